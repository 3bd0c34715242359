import type { Exchange } from "./exchange.ts";
import type { RateLimitPolicy } from "./route.ts";

/** The policy as one header value; computed once per policy. */
const policyValues = new WeakMap<RateLimitPolicy, string>();

function policyValue(policy: RateLimitPolicy): string {
  let value = policyValues.get(policy);
  if (value === undefined) {
    value = `"default";q=${policy.requests};w=${Math.ceil(policy.perMs / 1000)}`;
    policyValues.set(policy, value);
  }
  return value;
}

/** RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-11) on every answer of a limited route. */
export function addRateLimitHeaders(exchange: Exchange, headers: string[]): void {
  const decision = exchange.rateLimit;
  if (decision === undefined) return;
  // In whole milliseconds first: differences of clock readings are off by a fraction, which must not become a second.
  const seconds = Math.ceil(Math.round(decision.resetMs) / 1000);
  headers.push("ratelimit-policy", policyValue(decision.policy));
  headers.push("ratelimit", `"default";r=${decision.remaining};t=${seconds}`);
}
