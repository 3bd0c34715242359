import { createHealth, type Logger, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import type { OnSnapshot, RouteSource } from "../src/control/route-source.ts";
import { createAccessLog } from "../src/data/access-log.ts";
import type { DiscoveredEndpoint, EndpointResolver } from "../src/data/resolver.ts";
import type { Backend, Route } from "../src/data/route.ts";
import { createGateway, type Gateway, type GatewayOptions } from "../src/gateway.ts";
import { startHttpUpstream, type Upstream } from "./upstream.ts";

/** A resolver that tests steer. */
export class TestResolver implements EndpointResolver {
  readonly #endpoints = new Map<string, readonly DiscoveredEndpoint[]>();
  readonly #watchers = new Map<string, Set<(endpoints: readonly DiscoveredEndpoint[]) => void>>();

  set(service: string, ...ports: (number | DiscoveredEndpoint)[]): void {
    const found = ports.map((port) => (typeof port === "number" ? { host: "127.0.0.1", port, draining: false } : port));
    this.#endpoints.set(service, found);
    for (const watcher of this.#watchers.get(service) ?? []) watcher(found);
  }

  watch(service: string, onChange: (endpoints: readonly DiscoveredEndpoint[]) => void): { close(): void } {
    const watchers = this.#watchers.get(service) ?? new Set();
    this.#watchers.set(service, watchers.add(onChange));
    const known = this.#endpoints.get(service);
    if (known) onChange(known);
    return { close: () => void watchers.delete(onChange) };
  }
}

class TestRoutes implements RouteSource {
  readonly name = "test routes";
  readonly #services: readonly object[];
  readonly #onSnapshot: OnSnapshot;

  constructor(services: readonly object[], onSnapshot: OnSnapshot) {
    this.#services = services;
    this.#onSnapshot = onSnapshot;
  }

  async start(): Promise<void> {
    this.#onSnapshot({ objects: this.#services.map((object) => ({ origin: "test", object })), problems: [] });
  }

  async stop(): Promise<void> {}
}

export const tokenIssuer = "http://auth.test";
export const tokenAudience = "plinth";

/** Signs tokens as auth would and serves the public key as auth does. */
export interface TestAuth {
  upstream: Upstream;
  jwks: { keys: JWK[] };
  publicJwk: JWK;
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
}

export async function startTestAuth(alg: "ES256" | "EdDSA" = "ES256"): Promise<TestAuth> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid: "key-1", alg, use: "sig" };
  const jwks = { keys: [publicJwk] };
  const upstream = await startHttpUpstream((_request, response) => response.end(JSON.stringify(jwks)));
  return {
    upstream,
    jwks,
    publicJwk,
    token(claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000);
      const payload = { iss: tokenIssuer, aud: tokenAudience, sub: "user:u1", iat: now, exp: now + 300, ...claims };
      return new SignJWT(payload).setProtectedHeader({ alg, typ: "at+jwt", kid: "key-1", ...header }).sign(privateKey);
    },
  };
}

export interface Running {
  gateway: Gateway;
  resolver: TestResolver;
  port: number;
  url: string;
  /** Lines of the log. */
  lines: { level: string; message: string; fields: Record<string, unknown> }[];
  /** Drains within so many milliseconds, or until the signal aborts. */
  stop(bound?: number | AbortSignal): Promise<void>;
}

/** One PlatformService. */
export const service = (name: string, rules: object[], route: object = {}, metadata: object = {}): object => ({
  apiVersion: "plinth.dev/v1alpha1",
  kind: "PlatformService",
  metadata: { name, namespace: "test", ...metadata },
  spec: { route: { rules, ...route } },
});

export const to = (service: string, rest: Partial<Backend> = {}) => ({
  service,
  weight: 1,
  protocol: "http1" as const,
  ...rest,
});

/** A route as the table has it, to the backend that its service is. */
export const tableRoute = (service: string, path: string, rest: Partial<Route> = {}): Route => ({
  id: path,
  service,
  hostname: "",
  pathType: "Prefix",
  path,
  authentication: "None",
  timeoutMs: 60_000,
  idleTimeoutMs: 60_000,
  maxBodyBytes: 200_000,
  websocket: true,
  backends: [to(service)],
  ...rest,
});

export async function startGateway(
  services: readonly object[],
  endpoints: Record<string, (number | DiscoveredEndpoint)[]>,
  options: Partial<GatewayOptions> = {},
): Promise<Running> {
  const resolver = new TestResolver();
  for (const [name, ports] of Object.entries(endpoints)) resolver.set(name, ...ports);
  const lines: Running["lines"] = [];
  const health = createHealth();
  const gateway = createGateway({
    host: "127.0.0.1",
    port: 0,
    routeSource: (onSnapshot) => new TestRoutes(services, onSnapshot),
    resolver,
    health,
    logger: collect(lines),
    clock: systemClock,
    random: systemRandom,
    tokenIssuer,
    tokenAudience,
    drainDelayMs: 0,
    accessLog: createAccessLog({
      write: (line) => lines.push(parseLine(line)),
      service: "gateway",
      instance: "gateway-0",
    }),
    ...options,
  });
  const components = [...gateway.workers, gateway.server];
  for (const component of components) await component.start?.();
  health.setStarted();
  return {
    gateway,
    resolver,
    port: gateway.server.port(),
    url: `http://127.0.0.1:${gateway.server.port()}`,
    lines,
    async stop(bound = 1_000) {
      const signal = typeof bound === "number" ? AbortSignal.timeout(bound) : bound;
      health.setDraining();
      for (const component of components.toReversed()) await component.stop?.(signal);
    },
  };
}

function parseLine(line: string): Running["lines"][number] {
  const { level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  return { level: String(level), message: String(msg), fields };
}

function collect(lines: Running["lines"]): Logger {
  const at = (level: string) => (fields: Record<string, unknown>, message: string) => {
    lines.push({ level, message, fields });
  };
  const logger: Logger = {
    ...silentLogger,
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => logger,
  };
  return logger;
}
