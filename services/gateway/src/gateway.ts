import { trace } from "@opentelemetry/api";
import type { Clock, Component, Health, Logger, Random } from "@plinth/kernel";
import { createAccessTokenVerifier, createKeySet } from "@plinth/rpc";
import { fetchJwks } from "./auth/fetch-jwks.ts";
import { keepKeys } from "./auth/keep-keys.ts";
import { compile } from "./control/compile.ts";
import type { OnSnapshot, RouteSource } from "./control/route-source.ts";
import type { AccessLog } from "./data/access-log.ts";
import { TrustedProxies } from "./data/client-address.ts";
import { Exchange } from "./data/exchange.ts";
import { Forwarder } from "./data/forward.ts";
import { Listener } from "./data/listener.ts";
import { LocalRateLimiter } from "./data/local-rate-limiter.ts";
import { createMetrics } from "./data/metrics.ts";
import type { OutlierOptions } from "./data/outlier.ts";
import { Pipeline } from "./data/pipeline.ts";
import type { EndpointResolver } from "./data/resolver.ts";
import { RouteTable } from "./data/route-table.ts";
import { Upstreams } from "./data/upstreams.ts";
import { createWorkloadToken } from "./data/workload-token.ts";
import { createLocalRpc, ownReflection } from "./reflection/local-rpc.ts";
import { MergedReflection } from "./reflection/merged-reflection.ts";

export interface GatewayOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  /** Makes the source of routes, which hands its snapshots to `onSnapshot`. */
  routeSource: (onSnapshot: OnSnapshot) => RouteSource;
  resolver: EndpointResolver;
  health: Health;
  logger: Logger;
  clock: Clock;
  random: Random;
  tokenIssuer: string;
  tokenAudience: string;
  workloadTokenFile?: string | undefined;
  trustedProxies?: readonly string[];
  /** Absent: requests are not logged. */
  accessLog?: AccessLog | undefined;
  drainDelayMs?: number;
  rateLimitKeysMax?: number;
  tokenCacheMax?: number;
  /** Whether somebody collects spans. Default true. */
  tracing?: boolean;
  outlier?: OutlierOptions;
}

export interface Gateway {
  /** In starting order; they start before `server` and stop after it. */
  workers: readonly Component[];
  server: Component & { port(): number };
  table(): RouteTable;
}

/** Wires the two halves: the control side swaps the table, the data side reads it. */
export function createGateway(options: GatewayOptions): Gateway {
  const { logger, clock, random, health } = options;
  let table: RouteTable | undefined;
  const currentTable = () => table ?? RouteTable.empty;
  health.add("routes", () => (table === undefined ? "the route manifests were not read yet" : undefined));

  const upstreams = new Upstreams({ ...options, logger });
  const routes = options.routeSource((snapshot) => {
    const compiled = compile(snapshot.objects);
    // Auth is watched whether it has a route or not: its keys are needed.
    upstreams.setServices([...new Set([...compiled.table.services, "auth"])]);
    table = compiled.table;
    for (const problem of [...snapshot.problems, ...compiled.problems]) logger.warn({ ...problem }, "route problem");
    logger.info({ routes: table.routes.length, services: table.services }, "routes loaded");
  });

  const keys = createKeySet({ fetch: () => fetchJwks(upstreams), clock });
  const keeping = keepKeys(keys, clock, logger);
  upstreams.onChange((service) => {
    if (service === "auth" && keys.ageMs() === undefined && upstreams.endpoints("auth").length > 0) keeping.now();
  });
  const verifier = createAccessTokenVerifier({
    keys,
    issuer: options.tokenIssuer,
    audience: options.tokenAudience,
    clock,
    ...(options.tokenCacheMax === undefined ? {} : { cacheMax: options.tokenCacheMax }),
  });
  const metrics = createMetrics(() => keys.ageMs());
  const workloadToken = createWorkloadToken(options.workloadTokenFile, logger);
  const reflection = new MergedReflection({ table: currentTable, upstreams, own: ownReflection(), clock, logger });
  const localRpc = createLocalRpc(health, reflection, logger);
  const pipeline = new Pipeline({
    table: currentTable,
    local: (exchange) => localRpc.handle(exchange),
    verifier,
    limiter: new LocalRateLimiter(options.rateLimitKeysMax === undefined ? {} : { keysMax: options.rateLimitKeysMax }),
    forwarder: new Forwarder({ upstreams, metrics, workloadToken }),
    trustedProxies: new TrustedProxies(options.trustedProxies ?? []),
    metrics,
    tracer: options.tracing === false ? undefined : trace.getTracer("plinth.gateway"),
    clock,
    random,
    logger,
  });
  const onEnd = (exchange: Exchange, complete: boolean) => {
    const durationMs = clock.monotonicMs() - exchange.startedMs;
    metrics.ended(exchange, durationMs);
    exchange.span?.end();
    options.accessLog?.(exchange, clock.now(), durationMs, complete);
  };
  const listener = new Listener({
    host: options.host,
    port: options.port,
    logger,
    clock,
    drainDelayMs: options.drainDelayMs ?? 1_000,
    onRequest(downstream, upgradeHead) {
      metrics.started();
      pipeline.run(new Exchange(downstream, clock, onEnd, upgradeHead));
    },
  });
  const upstreamConnections: Component = { name: "upstream connections", stop: () => upstreams.close() };
  return {
    workers: [workloadToken, upstreamConnections, routes, keeping],
    server: {
      name: "gateway",
      port: () => listener.port(),
      start: () => listener.start(),
      async stop(signal) {
        // Health watches and reflection streams would otherwise stay open for as long as their callers like.
        localRpc.stop();
        await listener.stop(signal);
      },
    },
    table: currentTable,
  };
}
