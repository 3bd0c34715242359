import type { Clock, Logger } from "@plinth/kernel";
import type { ReflectionSource } from "@plinth/rpc";
import { leadsTo } from "../data/leads-to.ts";
import type { RouteTable } from "../data/route-table.ts";
import type { Upstreams } from "../data/upstreams.ts";
import { readServiceCatalog, type ServiceCatalog } from "./service-catalog.ts";

export interface MergedReflectionOptions {
  table: () => RouteTable;
  upstreams: Upstreams;
  /** Describes the gateway's own services (health, reflection). */
  own: ReflectionSource;
  clock: Clock;
  logger: Logger;
}

interface Cached {
  catalog: Promise<ServiceCatalog | undefined>;
  atMs: number;
  ok: boolean;
}

/** A service that could not be asked is asked again after this. */
const retryMs = 2_000;
const empty: ServiceCatalog = { serviceNames: [], files: new Map(), symbols: new Map() };

/**
 * Reflection for everything reachable through the gateway: what the services with a route say of themselves, asked
 * once and again when their endpoints change. A gRPC service is listed when its path leads to the service that has it.
 */
export class MergedReflection implements ReflectionSource {
  readonly #options: MergedReflectionOptions;
  readonly #cache = new Map<string, Cached>();
  readonly #subscription: { close(): void };

  constructor(options: MergedReflectionOptions) {
    this.#options = options;
    this.#subscription = options.upstreams.onChange((service) => this.#cache.delete(service));
  }

  close(): void {
    this.#subscription.close();
  }

  async serviceNames(): Promise<readonly string[]> {
    const names = new Set(await this.#options.own.serviceNames());
    for (const { service, catalog } of await this.#catalogs())
      for (const name of catalog.serviceNames) if (this.#isRouted(service, name)) names.add(name);
    return [...names].sort();
  }

  async filesForSymbol(symbol: string): Promise<readonly Uint8Array[] | undefined> {
    const own = await this.#options.own.filesForSymbol(symbol);
    if (own !== undefined) return own;
    for (const { service, catalog } of await this.#catalogs()) {
      const file = catalog.symbols.get(symbol);
      if (file !== undefined && this.#reaches(service, catalog, file)) return withImports(catalog, file);
    }
    return undefined;
  }

  async fileByName(name: string): Promise<readonly Uint8Array[] | undefined> {
    const own = await this.#options.own.fileByName(name);
    if (own !== undefined) return own;
    for (const { service, catalog } of await this.#catalogs())
      if (catalog.files.has(name) && this.#reaches(service, catalog, name)) return withImports(catalog, name);
    return undefined;
  }

  /** Whether a routed gRPC service is defined by the file or needs it: internal APIs are not shown at the edge. */
  #reaches(service: string, catalog: ServiceCatalog, file: string): boolean {
    return catalog.serviceNames.some((name) => {
      const home = catalog.symbols.get(name);
      return home !== undefined && this.#isRouted(service, name) && importsOf(catalog, home).has(file);
    });
  }

  #isRouted(service: string, grpcService: string): boolean {
    const path = `/${grpcService}/Any`;
    return this.#options
      .table()
      .routes.some((route) => leadsTo(route, service) && route.pathType === "Prefix" && covers(route.path, path));
  }

  async #catalogs(): Promise<{ service: string; catalog: ServiceCatalog }[]> {
    const services = this.#options.table().rpcServices;
    return Promise.all(
      services.map(async (service) => ({ service, catalog: (await this.#catalog(service)) ?? empty })),
    );
  }

  #catalog(service: string): Promise<ServiceCatalog | undefined> {
    const nowMs = this.#options.clock.monotonicMs();
    const cached = this.#cache.get(service);
    if (cached !== undefined && (cached.ok || nowMs - cached.atMs < retryMs)) return cached.catalog;
    const entry: Cached = { catalog: Promise.resolve(undefined), atMs: nowMs, ok: true };
    entry.catalog = this.#read(service).catch((err: unknown) => {
      entry.ok = false;
      this.#options.logger.debug({ err, service }, "service does not answer reflection");
      return undefined;
    });
    this.#cache.set(service, entry);
    return entry.catalog;
  }

  async #read(service: string): Promise<ServiceCatalog> {
    const endpoint = this.#options.upstreams.pick(service, []);
    if (endpoint === undefined) throw new Error(`the service ${service} has no ready endpoint`);
    return readServiceCatalog(endpoint);
  }
}

function covers(prefix: string, path: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}

function importsOf(catalog: ServiceCatalog, file: string): Set<string> {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const dependency of catalog.files.get(name)?.dependencies ?? []) visit(dependency);
  };
  visit(file);
  return seen;
}

/** The file first, then all it imports. */
function withImports(catalog: ServiceCatalog, file: string): Uint8Array[] {
  return [...importsOf(catalog, file)].flatMap((name) => catalog.files.get(name)?.bytes ?? []);
}
