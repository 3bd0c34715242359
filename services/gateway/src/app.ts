import type { ConfigOf } from "@plinth/kernel";
import type { ServiceParts, ServiceRuntime } from "@plinth/service";
import type { gatewayConfig } from "./config.ts";
import { FileRouteSource } from "./control/file-route-source.ts";
import { createAccessLog } from "./data/access-log.ts";
import { createGateway } from "./gateway.ts";

/** The composition root: the gateway brings its own server in place of the RPC server. */
export function compose(runtime: ServiceRuntime, config: ConfigOf<typeof gatewayConfig>): ServiceParts {
  const { name, instanceId, writeLine, base, logger, clock, random, health, resolver } = runtime;
  const gateway = createGateway({
    host: base.host,
    port: base.port,
    routeSource: (onSnapshot) => new FileRouteSource({ directory: config.routes, onSnapshot, logger }),
    resolver,
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
    tokenCacheMax: config.tokenCacheMax,
    tracing: base.otlpEndpoint !== undefined,
  });
  return { workers: gateway.workers, server: gateway.server };
}
