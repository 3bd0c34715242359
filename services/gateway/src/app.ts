import { ConfigError, type ConfigOf, collectsSpans } from "@plinth/kernel";
import type { ServiceParts, ServiceRuntime, SharedRedis } from "@plinth/service";
import type { gatewayConfig } from "./config.ts";
import { describeRoutes, type ServedTable } from "./control/describe-routes.ts";
import { FileRouteSource } from "./control/file-route-source.ts";
import type { OnSnapshot } from "./control/route-source.ts";
import { createAccessLog } from "./data/access-log.ts";
import type { RateLimiter } from "./data/rate-limiter.ts";
import { createGateway, type Gateway } from "./gateway.ts";

/** The composition root: the gateway brings its own server in place of the RPC server. */
export async function compose(runtime: ServiceRuntime, config: ConfigOf<typeof gatewayConfig>): Promise<ServiceParts> {
  const { name, instanceId, writeLine, base, logger, clock, random, health, resolver, redis } = runtime;
  const common = {
    host: base.host,
    port: base.port,
    ...{ health, logger, clock, random },
    tokenIssuer: base.tokenIssuer,
    tokenAudience: base.tokenAudience,
    workloadTokenFile: base.workloadTokenFile,
    trustedProxies: config.trustedProxies,
    accessLog: config.accessLog
      ? createAccessLog({ write: writeLine, service: name, instance: instanceId })
      : undefined,
    drainDelayMs: config.drainDelayMs,
    rateLimitKeysMax: config.rateLimitKeysMax,
    sharedLimits: redis ? await sharedLimits(redis) : undefined,
    tokenCacheMax: config.tokenCacheMax,
    openApi: config.openApi,
    tracing: collectsSpans(base),
  };
  const { routes: directory, serviceType } = config;
  const onServed = (tables: readonly ServedTable[]) =>
    runtime.reportConfiguration("routes", () => describeRoutes(tables));
  let gateway: Gateway;
  if (config.source === "kubernetes") {
    // Loaded when it is used: on one machine nobody pays for the Kubernetes client.
    const { createKubernetesGateway } = await import("./kubernetes/kubernetes-gateway.ts");
    const { kubeconfig, platformNamespace, discoveryMode } = base;
    const own = { kubeconfig, platformNamespace, discoveryMode, serviceType, identity: instanceId, onServed };
    gateway = await createKubernetesGateway({ ...common, ...own });
  } else {
    if (directory === undefined) throw new ConfigError(["PLINTH_GATEWAY_ROUTES is required with the source files"]);
    const routeSource = (onSnapshot: OnSnapshot) => new FileRouteSource({ directory, onSnapshot, logger });
    gateway = createGateway({ ...common, reusePort: config.reusePort, resolver, routeSource, onServed });
  }
  return { workers: gateway.workers, server: gateway.server };
}

/** Gateways that have a Redis count together: a limit means what it says, however many of them there are. */
async function sharedLimits(redis: SharedRedis): Promise<(local: RateLimiter) => RateLimiter> {
  // Loaded when it is used, as the Redis client is.
  const { createRedisRateLimiter } = await import("./data/redis-rate-limiter.ts");
  return (local) => createRedisRateLimiter({ ...redis, local });
}
