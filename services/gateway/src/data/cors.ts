import type { Exchange } from "./exchange.ts";
import type { RequestHead } from "./request-head.ts";
import type { CorsPolicy } from "./route.ts";

/** Whether a page of `origin` may read the answers. A wildcard stands for one or more labels of the host. */
export function isOriginAllowed(policy: CorsPolicy, origin: string): boolean {
  const wanted = origin.toLowerCase();
  for (const allowed of policy.allowOrigins) {
    if (allowed === "*" || allowed === wanted) return true;
    const star = allowed.indexOf("://*.");
    if (star === -1) continue;
    const scheme = allowed.slice(0, star + 3);
    const suffix = allowed.slice(star + 4);
    if (wanted.length > scheme.length + suffix.length && wanted.startsWith(scheme) && wanted.endsWith(suffix)) {
      if (/^[a-z0-9.-]+$/.test(wanted.slice(scheme.length, -suffix.length))) return true;
    }
  }
  return false;
}

export const isPreflight = (exchange: Exchange): boolean =>
  exchange.method === "OPTIONS" && exchange.head.origin !== "" && exchange.head.preflightMethod !== "";

/** Headers of a preflight's answer; a page that is not allowed gets none of the permissions. */
export function preflightHeaders(policy: CorsPolicy, head: RequestHead): string[] {
  const { origin } = head;
  const headers = ["vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"];
  if (!isOriginAllowed(policy, origin)) return headers;
  pushOrigin(policy, origin, headers);
  pushList(headers, "access-control-allow-methods", policy.allowMethods, head.preflightMethod);
  pushList(headers, "access-control-allow-headers", policy.allowHeaders, head.preflightHeaders);
  pushList(headers, "access-control-expose-headers", policy.exposeHeaders, "*");
  headers.push("access-control-max-age", String(policy.maxAgeSeconds));
  return headers;
}

/** Adds what an ordinary answer carries on a route with a CORS policy. */
export function addCorsHeaders(exchange: Exchange, headers: string[], policy = exchange.route?.cors): void {
  if (policy === undefined) return;
  headers.push("vary", "Origin");
  const { origin } = exchange.head;
  if (origin === "" || !isOriginAllowed(policy, origin)) return;
  pushOrigin(policy, origin, headers);
  pushList(headers, "access-control-expose-headers", policy.exposeHeaders, "*");
}

/** "*" would mean itself where credentials are allowed, so what was asked for is named instead. */
function pushList(headers: string[], name: string, values: readonly string[], asked: string): void {
  const text = values[0] === "*" ? asked : values.join(", ");
  if (text !== "") headers.push(name, text);
}

function pushOrigin(policy: CorsPolicy, origin: string, headers: string[]): void {
  const any = !policy.allowCredentials && policy.allowOrigins.includes("*");
  headers.push("access-control-allow-origin", any ? "*" : origin);
  if (policy.allowCredentials) headers.push("access-control-allow-credentials", "true");
}

/** Answers of services lose these on a route with a policy: the edge speaks for it. */
export const isCorsHeader = (lowerName: string): boolean => lowerName.startsWith("access-control-");
