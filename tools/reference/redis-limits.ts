import type { Limit } from "./limit-list.ts";

/** Limits of what is kept in Redis, and of the wait for it. */
export const redisLimits: Readonly<Record<string, Readonly<Record<string, readonly Limit[]>>>> = {
  "Caches and Redis": {
    "packages/cache/src/redis/redis-link.ts": [
      { name: "openTimeoutMs", meaning: "a connection to Redis until it serves" },
      { name: "silenceMaxMs", meaning: "without an answer in time; then Redis counts as away" },
    ],
    "packages/cache/src/redis/redis-connection.ts": [
      { name: "disconnectTimeout", meaning: "a connection that is given up before it was made", unit: "ms" },
    ],
    "packages/cache/src/redis/redis-cache.ts": [
      { name: "commandBudgetMs", meaning: "a look-up or a store; then the value comes from its source" },
      {
        name: "invalidationBudgetMs",
        meaning: "an invalidation; then values come from their sources until it is done",
      },
      { name: "clearBudgetMs", meaning: "clearing a cache; the same afterwards" },
      { name: "leaseMs", meaning: "a load whose value may still be stored" },
      { name: "valueBytesMax", meaning: "a value; larger ones are not stored" },
      { name: "lostMax", meaning: "invalidations that Redis has not confirmed; beyond it a cache is cleared" },
      { name: "scanCount", meaning: "keys looked at by one step of a clear", unit: "count" },
    ],
    "packages/cache/src/redis/redis-caches.ts": [
      { name: "announceBudgetMs", meaning: "telling other processes of an invalidation" },
    ],
    "services/gateway/src/data/redis-rate-limiter.ts": [
      { name: "waitMaxMs", meaning: "a request waits for a shared rate limit; then its gateway decides" },
    ],
    "services/authz/src/engine/decision-cache.ts": [
      { name: "decisionsMax", meaning: "decisions remembered, with `PLINTH_AUTHZ_DECISION_TTL`" },
      { name: "sharedCheckMs", meaning: "a check that several callers wait for" },
    ],
    "packages/local-servers/src/redis/start-redis.ts": [
      { name: "startTimeoutMs", meaning: "a Redis of one's own has to answer" },
      { name: "stopTimeoutMs", meaning: "it has to stop" },
      { name: "portAttemptsMax", meaning: "free ports tried for it" },
      { name: "memoryBytesMax", meaning: "its memory; then what expires soonest goes first" },
    ],
  },
};
