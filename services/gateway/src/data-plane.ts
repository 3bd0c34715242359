import { trace } from "@opentelemetry/api";
import type { OutlierOptions } from "@plinth/balancer";
import type { Clock, Component, Health, Logger, Random } from "@plinth/kernel";
import { createAccessTokenVerifier, createKeySet } from "@plinth/rpc";
import { fetchJwks } from "./auth/fetch-jwks.ts";
import { keepKeys } from "./auth/keep-keys.ts";
import type { AccessLog } from "./data/access-log.ts";
import { TrustedProxies } from "./data/client-address.ts";
import type { Downstream } from "./data/downstream.ts";
import type { Entrance } from "./data/entrance.ts";
import { Exchange } from "./data/exchange.ts";
import { Forwarder } from "./data/forward.ts";
import { Listener, type ListenerOptions } from "./data/listener.ts";
import { LocalRateLimiter } from "./data/local-rate-limiter.ts";
import { createMetrics } from "./data/metrics.ts";
import { Mirrors } from "./data/mirrors.ts";
import { Pipeline } from "./data/pipeline.ts";
import type { RateLimiter } from "./data/rate-limiter.ts";
import type { EndpointResolver } from "./data/resolver.ts";
import type { RouteTable } from "./data/route-table.ts";
import { endTrace } from "./data/trace-context.ts";
import { Upstreams } from "./data/upstreams.ts";
import { createWorkloadToken } from "./data/workload-token.ts";
import { createMergedDocuments } from "./openapi/merged-documents.ts";
import { createLocalRpc, ownReflection } from "./reflection/local-rpc.ts";
import { MergedReflection } from "./reflection/merged-reflection.ts";

export interface DataPlaneOptions {
  resolver: EndpointResolver;
  /** Name of the service `auth` for the resolver: where the keys of access tokens come from. */
  authService: string;
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
  /** How long answers announce the end of their connection before a port closes. Default 1 s. */
  drainDelayMs?: number;
  rateLimitKeysMax?: number;
  /** Makes the limiter that gateways share, from the one that decides without it. Absent: each counts for itself. */
  sharedLimits?: ((local: RateLimiter) => RateLimiter) | undefined;
  tokenCacheMax?: number;
  /** Whether somebody collects spans. Default true. */
  tracing?: boolean;
  /** Whether `/openapi.json` and `/openapi` tell of the services behind it, where no route takes them. Default true. */
  openApi?: boolean;
  outlier?: OutlierOptions;
}

export interface OpenOptions extends Pick<ListenerOptions, "host" | "port" | "tls" | "reusePort"> {
  table: () => RouteTable;
  /** The port that callers know, for redirects. */
  publicPort?: number;
  /** Whether routes may have the paths of the gateway's own RPCs. */
  localLast: boolean;
}

/** A port that serves a table. */
export interface OpenPort extends Component {
  start(): Promise<void>;
  stop(signal: AbortSignal): Promise<void>;
  port(): number;
}

/** Everything that requests pass through, shared by all ports of the process. */
export interface DataPlane {
  /** In starting order: what has to run before the first routes are known, and after. */
  beforeRoutes: readonly Component[];
  afterRoutes: readonly Component[];
  /** The services that requests may go to; auth is watched besides. */
  setServices(services: readonly string[]): void;
  /** Makes a port; `start` binds it. */
  open(options: OpenOptions): OpenPort;
}

export function createDataPlane(options: DataPlaneOptions): DataPlane {
  const { logger, clock, random, health, authService } = options;
  const upstreams = new Upstreams({ ...options, logger });
  const keys = createKeySet({ fetch: () => fetchJwks(upstreams, authService), clock });
  const keeping = keepKeys(keys, clock, logger);
  upstreams.onChange((service) => {
    if (service === authService && keys.ageMs() === undefined && upstreams.endpoints(service).length > 0) keeping.now();
  });
  const metrics = createMetrics(() => keys.ageMs());
  const workloadToken = createWorkloadToken(options.workloadTokenFile, logger);
  const localLimits = new LocalRateLimiter(
    options.rateLimitKeysMax === undefined ? {} : { keysMax: options.rateLimitKeysMax },
  );
  const pipeline = new Pipeline({
    verifier: createAccessTokenVerifier({
      keys,
      issuer: options.tokenIssuer,
      audience: options.tokenAudience,
      clock,
      ...(options.tokenCacheMax === undefined ? {} : { cacheMax: options.tokenCacheMax }),
    }),
    limiter: options.sharedLimits?.(localLimits) ?? localLimits,
    forwarder: new Forwarder({
      upstreams,
      metrics,
      workloadToken,
      mirrors: new Mirrors({ upstreams, random, logger }),
      random,
    }),
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
    endTrace(exchange, complete);
    options.accessLog?.(exchange, clock.now(), durationMs, complete);
  };
  const upstreamConnections: Component = { name: "upstream connections", stop: () => upstreams.close() };

  function open({ host, port, reusePort, tls, table, publicPort, localLast }: OpenOptions): OpenPort {
    const reflection = new MergedReflection({ table, upstreams, own: ownReflection(), clock, logger });
    const local = createLocalRpc(health, reflection, logger);
    const documents =
      options.openApi === false ? undefined : createMergedDocuments({ table, upstreams, clock, logger });
    const entrance: Entrance = {
      table,
      local: (exchange) => local.handle(exchange),
      localLast,
      documents: documents?.handle,
      ...(publicPort === undefined ? {} : { port: publicPort }),
    };
    const listener = new Listener({
      host,
      port,
      reusePort,
      logger,
      clock,
      drainDelayMs: options.drainDelayMs ?? 1_000,
      ...(tls ? { tls } : {}),
      onRequest(downstream: Downstream, upgradeHead?: Uint8Array) {
        metrics.started();
        pipeline.run(new Exchange({ downstream, entrance, clock, onEnd, upgradeHead }));
      },
    });
    return {
      name: `port ${port}`,
      port: () => listener.port(),
      start: () => listener.start(),
      async stop(signal) {
        // Health watches and reflection streams would otherwise stay open for as long as their callers like.
        local.stop();
        reflection.close();
        documents?.close();
        await listener.stop(signal);
      },
    };
  }

  return {
    beforeRoutes: [workloadToken, upstreamConnections],
    afterRoutes: [keeping],
    // Auth is watched whether it has a route or not: its keys are needed.
    setServices: (services) => upstreams.setServices([...new Set([...services, authService])]),
    open,
  };
}
