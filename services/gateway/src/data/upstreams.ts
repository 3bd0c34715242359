import {
  type BalancerMetrics,
  createBalancerMetrics,
  type ObservedService,
  type OutlierOptions,
  pickEndpoint,
} from "@plinth/balancer";
import type { Clock, Logger, Random } from "@plinth/kernel";
import { Endpoint } from "./endpoint.ts";
import type { DiscoveredEndpoint, EndpointResolver } from "./resolver.ts";

export interface UpstreamsOptions {
  resolver: EndpointResolver;
  clock: Clock;
  random: Random;
  logger: Logger;
  outlier?: OutlierOptions;
}

interface Upstream {
  endpoints: readonly Endpoint[];
  onPanic(): void;
  watch: { close(): void };
}

/** The endpoints of every service that has a route, kept current by the resolver. */
export class Upstreams {
  readonly #options: UpstreamsOptions;
  readonly #services = new Map<string, Upstream>();
  readonly #listeners = new Set<(service: string) => void>();

  readonly #metrics: BalancerMetrics;

  constructor(options: UpstreamsOptions) {
    this.#options = options;
    this.#metrics = createBalancerMetrics(
      () => options.clock.monotonicMs(),
      () => this.#observed(),
    );
  }

  *#observed(): Generator<ObservedService> {
    for (const [service, { endpoints }] of this.#services) yield { service, leftOut: 0, members: endpoints };
  }

  /** Starts watching new services and lets go of those that have no route any more. */
  setServices(names: readonly string[]): void {
    const wanted = new Set(names);
    for (const name of wanted) if (!this.#services.has(name)) this.#watch(name);
    for (const name of [...this.#services.keys()]) if (!wanted.has(name)) this.#forget(name);
  }

  /** `listener` hears the name of each service whose endpoints changed, until closed. */
  onChange(listener: (service: string) => void): { close(): void } {
    this.#listeners.add(listener);
    return { close: () => void this.#listeners.delete(listener) };
  }

  endpoints(service: string): readonly Endpoint[] {
    return this.#services.get(service)?.endpoints ?? [];
  }

  pick(service: string, tried: readonly Endpoint[]): Endpoint | undefined {
    const upstream = this.#services.get(service);
    if (upstream === undefined) return undefined;
    const { clock, random } = this.#options;
    return pickEndpoint(upstream.endpoints, tried, clock.monotonicMs(), random, upstream.onPanic);
  }

  /** It answered, `sinceMs` being when it was asked. */
  succeeded(endpoint: Endpoint, sinceMs: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    endpoint.latency.answered(nowMs - sinceMs, nowMs);
    endpoint.outlier.succeeded();
  }

  failed(endpoint: Endpoint, sinceMs: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    endpoint.latency.failed(nowMs - sinceMs, nowMs);
    const ejection = endpoint.outlier.failed(nowMs);
    if (ejection === undefined) return;
    const { service, authority } = endpoint;
    this.#metrics.ejected(service, ejection);
    this.#options.logger.warn({ service, endpoint: authority }, "endpoint ejected after failures in a row");
  }

  async close(): Promise<void> {
    const all = [...this.#services.values()];
    this.#services.clear();
    for (const upstream of all) upstream.watch.close();
    await Promise.all(all.flatMap((upstream) => upstream.endpoints.map((endpoint) => endpoint.destroy())));
  }

  #watch(service: string): void {
    const upstream: Upstream = {
      endpoints: [],
      onPanic: () => this.#metrics.panicked(service),
      watch: { close() {} },
    };
    this.#services.set(service, upstream);
    upstream.watch = this.#options.resolver.watch(service, (found) => this.#update(service, found));
  }

  #forget(service: string): void {
    const upstream = this.#services.get(service);
    this.#services.delete(service);
    upstream?.watch.close();
    for (const endpoint of upstream?.endpoints ?? []) this.#retire(endpoint);
  }

  /** Endpoints that stay keep their connections and what was learned about them. */
  #update(service: string, found: readonly DiscoveredEndpoint[]): void {
    const upstream = this.#services.get(service);
    if (upstream === undefined) return;
    const { clock, random } = this.#options;
    const onWaited = (ms: number): void => this.#metrics.waited(service, ms);
    const known = new Map(upstream.endpoints.map((endpoint) => [`${endpoint.host} ${endpoint.port}`, endpoint]));
    upstream.endpoints = found.map(({ host, port, byName, draining }) => {
      const key = `${host} ${port}`;
      const endpoint =
        known.get(key) ??
        new Endpoint({ service, host, port, byName, clock, onWaited, outlier: { random, ...this.#options.outlier } });
      known.delete(key);
      endpoint.draining = draining;
      return endpoint;
    });
    for (const endpoint of known.values()) this.#retire(endpoint);
    for (const listener of this.#listeners) listener(service);
  }

  #retire(endpoint: Endpoint): void {
    endpoint.close().catch((err: unknown) => {
      this.#options.logger.warn({ err, endpoint: endpoint.authority }, "connections of a gone endpoint did not close");
    });
  }
}
