import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LocalRateLimiter } from "./local-rate-limiter.ts";
import type { RateLimitPolicy } from "./route.ts";

const policy = (requests: number, perMs: number): RateLimitPolicy => ({ id: "r/0", requests, perMs, key: "Address" });

describe("LocalRateLimiter", () => {
  it("lets the quota through at once, then one per interval", () => {
    const limiter = new LocalRateLimiter();
    const limit = policy(5, 1000);
    const burst = Array.from({ length: 7 }, () => limiter.take(limit, "k", 1_000_000));
    expect(burst.map((d) => d.allowed)).toEqual([true, true, true, true, true, false, false]);
    expect(burst.map((d) => d.remaining)).toEqual([4, 3, 2, 1, 0, 0, 0]);
    expect(burst[6]?.retryAfterMs).toBeCloseTo(200);
    expect(limiter.take(limit, "k", 1_000_199).allowed).toBe(false);
    expect(limiter.take(limit, "k", 1_000_200).allowed).toBe(true);
    expect(limiter.take(limit, "other", 1_000_200).allowed).toBe(true);
  });

  it("never lets more than the quota plus the refill through, and retryAfter is the truth", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1000, max: 60_000 }),
        fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 }),
        (requests, perMs, gaps) => {
          const limiter = new LocalRateLimiter();
          const limit = policy(requests, perMs);
          let nowMs = 10_000_000;
          let allowed = 0;
          for (const gap of gaps) {
            nowMs += gap;
            const decision = limiter.take(limit, "k", nowMs);
            if (decision.allowed) allowed++;
            else {
              const { retryAfterMs } = decision;
              expect(retryAfterMs).toBeGreaterThan(0);
              expect(limiter.take(limit, "k", nowMs + retryAfterMs - 0.01).allowed).toBe(false);
            }
          }
          const elapsed = nowMs - 10_000_000;
          expect(allowed).toBeLessThanOrEqual(requests + Math.floor((elapsed / perMs) * requests) + 1);
        },
      ),
    );
  });

  it("remembers a bounded number of keys and forgets whole quotas first", () => {
    const limiter = new LocalRateLimiter({ keysMax: 2 });
    const limit = policy(1, 1000);
    limiter.take(limit, "a", 0);
    limiter.take(limit, "b", 900);
    // "a" is whole again at 1000 and makes room; "b" is still counted.
    limiter.take(limit, "c", 1_100);
    expect(limiter.take(limit, "b", 1_100).allowed).toBe(false);
    expect(limiter.take(limit, "c", 1_100).allowed).toBe(false);
  });
});
