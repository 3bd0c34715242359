import { decisionOf, type RateLimitDecision, type RateLimiter } from "./rate-limiter.ts";
import type { RateLimitPolicy } from "./route.ts";

export interface LocalRateLimiterOptions {
  /** Keys remembered per policy. Default 100,000, about 10 MB when full. */
  keysMax?: number;
}

/** Old entries looked at when a new key finds its policy full. */
const sweepMax = 32;

/**
 * GCRA in this process: per key one number, the "theoretical arrival time" at which its quota would be whole again.
 * A policy allows `requests` at once and refills evenly over `perMs`. When the memory is full, keys whose quota is
 * whole are forgotten first, then the one used least recently.
 */
export class LocalRateLimiter implements RateLimiter {
  readonly #arrivals = new Map<string, Map<string, number>>();
  readonly #keysMax: number;

  constructor(options: LocalRateLimiterOptions = {}) {
    this.#keysMax = options.keysMax ?? 100_000;
  }

  take(policy: RateLimitPolicy, key: string, nowMs: number): RateLimitDecision {
    let keys = this.#arrivals.get(policy.id);
    if (keys === undefined) {
      keys = new Map();
      this.#arrivals.set(policy.id, keys);
    }
    const intervalMs = policy.perMs / policy.requests;
    const known = keys.get(key);
    const arrival = Math.max(known ?? 0, nowMs);
    const next = arrival + intervalMs;
    const allowed = next - nowMs <= policy.perMs + 1e-6;
    if (allowed) {
      // Re-inserting keeps the map in order of use.
      if (known !== undefined) keys.delete(key);
      else if (keys.size >= this.#keysMax) makeRoom(keys, nowMs);
      keys.set(key, next);
    }
    return decisionOf(policy, allowed, (allowed ? next : arrival) - nowMs);
  }
}

function makeRoom(keys: Map<string, number>, nowMs: number): void {
  let looked = 0;
  let oldest: string | undefined;
  let removed = false;
  for (const [key, arrival] of keys) {
    oldest ??= key;
    if (arrival <= nowMs) {
      keys.delete(key);
      removed = true;
    }
    if (++looked >= sweepMax) break;
  }
  if (!removed && oldest !== undefined) keys.delete(oldest);
}
