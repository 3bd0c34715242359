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
