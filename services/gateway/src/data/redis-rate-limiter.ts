import { createScript, type RedisLink } from "@plinth/cache/redis";
import { decisionOf, type RateLimiter } from "./rate-limiter.ts";
import type { RateLimitPolicy } from "./route.ts";

export interface RedisRateLimiterOptions {
  link: RedisLink;
  /** Of all keys. */
  prefix: string;
  /** Decides while Redis is away or too slow. */
  local: RateLimiter;
  /** A request waits for Redis this long at most. Default 10 ms. */
  waitMaxMs?: number;
}

/**
 * GCRA on one key, in microseconds of Redis's own clock: gateways whose clocks differ would count by different times, and the
 * one that is ahead would let more through. The key holds when it was written and how much of the period was used then,
 * and vanishes when all of it is back: only callers who were here within the period take memory. As numbers below the period,
 * not as an arrival time since 1970, the sums of a large burst stay exact. Answers: allowed, what is used now, the time.
 */
export const gcraScript = createScript(`
local clock = redis.call("TIME")
local now = clock[1] * 1000000 + clock[2]
local period = ARGV[1] * 1000
local interval = period / ARGV[2]
local used = 0
local held = redis.call("GET", KEYS[1])
if held then
  local at, was = held:match("^(%d+) (%S+)$")
  used = math.max(0, was - math.max(0, now - at))
end
if used + interval > period + 0.001 then
  return {0, string.format("%.17g", used), string.format("%d", now)}
end
used = used + interval
redis.call("SET", KEYS[1], string.format("%d %.17g", now, used), "PX", math.ceil(used / 1000))
return {1, string.format("%.17g", used), string.format("%d", now)}`);

/** One key for one caller of one policy. The length keeps ids and keys apart, whatever is in them. */
export const rateLimitKey = (prefix: string, policy: RateLimitPolicy, key: string): string =>
  `${prefix}limit:${policy.id.length}:${policy.id}:${key}`;

/**
 * Counts in Redis, for all gateways together: one call of one key. While Redis is away, at once, and when it does not answer
 * in time, this process decides by itself with a whole quota of its own: N gateways then let N quotas through at most.
 */
export function createRedisRateLimiter(options: RedisRateLimiterOptions): RateLimiter {
  const { link, prefix, local, waitMaxMs = 10 } = options;
  const call = link.caller("rate limit", waitMaxMs);
  return {
    take(policy, key, nowMs) {
      const asked = call((redis) =>
        gcraScript.run(redis, rateLimitKey(prefix, policy, key), policy.perMs, policy.requests),
      );
      if (asked === undefined) return local.take(policy, key, nowMs);
      return asked.then(
        (answer) => {
          const [allowed, usedMicroseconds] = answer as [number, string];
          return decisionOf(policy, allowed === 1, Number(usedMicroseconds) / 1000);
        },
        () => local.take(policy, key, nowMs),
      );
    },
  };
}
