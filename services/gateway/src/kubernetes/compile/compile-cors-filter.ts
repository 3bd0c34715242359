import { rpcRequestHeaders, rpcResponseHeaders } from "../../control/compile-cors.ts";
import type { CorsPolicy } from "../../data/route.ts";
import type { RouteFilter } from "../gateway-api.ts";
import { unsupported } from "./compile-headers.ts";
import type { Finding } from "./finding.ts";

const origin = /^(\*|[a-z][a-z0-9+.-]*:\/\/(\*\.)?[A-Za-z0-9.-]+(:\d+)?)$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Methods that need no permission (Fetch standard, "CORS-safelisted method"). */
const safeMethods = ["GET", "HEAD", "POST"];
/** What the Gateway API says, and what a PlatformService's route gets that says nothing. */
const maxAgeSeconds = { plain: 5, platform: 7_200 } as const;

/** `platform`: pages may use the headers of Connect and gRPC-web without a word in the filter. */
export function compileCorsFilter(cors: NonNullable<RouteFilter["cors"]>, platform: boolean): CorsPolicy | Finding {
  const { allowOrigins = [], allowMethods = [], allowHeaders = [], exposeHeaders = [] } = cors;
  const wrong = allowOrigins.find((entry) => !origin.test(entry));
  if (wrong !== undefined) return unsupported(`"${wrong}" is no origin: write "*" or scheme://host`);
  const odd = [...allowMethods, ...allowHeaders, ...exposeHeaders].find((entry) => !token.test(entry));
  if (odd !== undefined) return unsupported(`${JSON.stringify(odd)} is no name of a method or header`);
  return {
    allowOrigins: allowOrigins.map((entry) => entry.toLowerCase()),
    allowMethods: allowMethods.length > 0 ? allowMethods : platform ? ["GET", "POST"] : safeMethods,
    allowHeaders: withDefaults(allowHeaders, platform ? rpcRequestHeaders : []),
    exposeHeaders: withDefaults(exposeHeaders, platform ? rpcResponseHeaders : []),
    allowCredentials: cors.allowCredentials ?? false,
    maxAgeSeconds: cors.maxAge ?? (platform ? maxAgeSeconds.platform : maxAgeSeconds.plain),
  };
}

/** "*" stays alone: it holds everything else. */
function withDefaults(listed: readonly string[], defaults: readonly string[]): readonly string[] {
  if (listed.includes("*")) return ["*"];
  return [...new Set([...listed.map((name) => name.toLowerCase()), ...defaults])];
}
