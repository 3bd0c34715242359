import { bool, type ConfigOf, durationMs, integer, list, oneOf, optionalText } from "@plinth/kernel";
import { TrustedProxies } from "./data/client-address.ts";

const proxies = list(
  "PLINTH_GATEWAY_TRUSTED_PROXIES",
  "addresses or CIDR blocks of proxies in front, whose X-Forwarded-* headers are believed",
  { default: [] },
);

/** The gateway's own keys, beside those that every service has. */
export const gatewayConfig = {
  source: oneOf(
    "PLINTH_GATEWAY_SOURCE",
    "where routes come from: manifests in a directory, or the Gateway API of a cluster",
    ["files", "kubernetes"],
    { default: "files" },
  ),
  routes: optionalText(
    "PLINTH_GATEWAY_ROUTES",
    "for source files, required: directory with the PlatformService manifests whose routes are served",
  ),
  serviceType: oneOf(
    "PLINTH_GATEWAY_SERVICE_TYPE",
    "for source kubernetes: type of the Services through which Gateways are reached",
    ["LoadBalancer", "ClusterIP", "NodePort"],
    { default: "LoadBalancer" },
  ),
  trustedProxies: {
    ...proxies,
    parse(value: string): string[] {
      const networks = proxies.parse(value);
      // Only to report a wrong one with everything else that is wrong.
      new TrustedProxies(networks);
      return networks;
    },
  },
  accessLog: bool("PLINTH_GATEWAY_ACCESS_LOG", "one log line per request", { default: true }),
  // Long enough for a load balancer to see that readiness is off, and for busy connections to hear of it.
  drainDelayMs: durationMs(
    "PLINTH_GATEWAY_DRAIN_DELAY",
    "how long answers announce the end of their connection before the port closes",
    { default: "1s" },
  ),
  reusePort: bool(
    "PLINTH_GATEWAY_REUSE_PORT",
    "for source files, on Linux: another process of the same user may listen on the port as well, so that one replaces the other without a gap",
    { default: false },
  ),
  rateLimitKeysMax: integer("PLINTH_GATEWAY_RATE_LIMIT_KEYS_MAX", "callers remembered per rate limit", {
    default: 100_000,
    min: 1,
    max: 10_000_000,
  }),
  openApi: bool(
    "PLINTH_GATEWAY_OPENAPI",
    "whether /openapi.json and /openapi describe what is reachable, where no route takes these paths",
    { default: true },
  ),
  tokenCacheMax: integer("PLINTH_GATEWAY_TOKEN_CACHE_MAX", "verified access tokens remembered", {
    default: 50_000,
    min: 1,
    max: 10_000_000,
  }),
};

export type GatewayConfig = ConfigOf<typeof gatewayConfig>;
