import type { RateLimitPolicy } from "./route.ts";

export interface RateLimitDecision {
  policy: RateLimitPolicy;
  allowed: boolean;
  /** Requests that would be let through right now. */
  remaining: number;
  /** Until the whole quota is back. */
  resetMs: number;
  /** Until the next request would be let through; 0 when allowed. */
  retryAfterMs: number;
}

/**
 * Counts requests against a policy. Duties: a decision takes one request off the quota when allowed and nothing when
 * refused; keys of different policies are independent; a driver that cannot reach its store decides locally.
 */
export interface RateLimiter {
  take(policy: RateLimitPolicy, key: string, nowMs: number): RateLimitDecision | Promise<RateLimitDecision>;
}

/** What a decision says, from how much of the period is used after it: the "theoretical arrival time" of GCRA less now. */
export function decisionOf(policy: RateLimitPolicy, allowed: boolean, usedMs: number): RateLimitDecision {
  const intervalMs = policy.perMs / policy.requests;
  return {
    policy,
    allowed,
    remaining: Math.max(0, Math.floor((policy.perMs - usedMs) / intervalMs + 1e-6)),
    resetMs: usedMs,
    retryAfterMs: allowed ? 0 : usedMs + intervalMs - policy.perMs,
  };
}
