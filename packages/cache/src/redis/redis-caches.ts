import type { Clock, Logger, Random } from "@plinth/kernel";
import type { Cache, CacheOptions, Caches } from "../cache.ts";
import { type CacheMetrics, cacheMetrics } from "../cache-metrics.ts";
import { createNearCache } from "../memory-cache.ts";
import { createTwoLevelCache } from "../two-level-cache.ts";
import { createRedisCache } from "./redis-cache.ts";
import type { RedisLink } from "./redis-link.ts";

export interface RedisCachesOptions {
  link: RedisLink;
  /** Of all keys and of the channel. */
  prefix: string;
  logger: Logger;
  clock: Clock;
  random: Random;
  /** See RedisCacheOptions. */
  commandBudgetMs?: number;
}

/** A message then costs the near level's time to live, at most. */
const announceBudgetMs = 250;

/** Caches that all processes with one Redis and one prefix share; two-level where the options have `nearTtlMs`. */
export function createRedisCaches(options: RedisCachesOptions): Caches {
  const { link, prefix, logger, clock, random, commandBudgetMs } = options;
  const channel = `${prefix}invalidations`;
  const call = link.caller("announce", announceBudgetMs);
  /** By the name of their cache. */
  const nears = new Map<string, Cache<unknown>>();

  link.prepare(async (redis) => {
    redis.on("message", (_, text) => hear(text));
    await redis.subscribe(channel);
    // What was announced while there was no connection was not heard.
    for (const near of nears.values()) await near.clear();
  });

  function hear(text: string): void {
    try {
      const [name, key] = JSON.parse(text) as [string, string?];
      const near = nears.get(name);
      void (key === undefined ? near?.clear() : near?.invalidate(key));
    } catch (err) {
      logger.warn({ err }, "a message on the channel of invalidations could not be read");
    }
  }

  /** A cache in this process that hears what others invalidate. */
  function createNear<V>(name: string, ttlMs: number, entriesMax: number, metrics: Pick<CacheMetrics, "hit" | "miss">) {
    const near = createNearCache<V>({ entriesMax, ttlMs, clock }, metrics);
    nears.set(name, near as Cache<unknown>);
    return near;
  }

  const announceFor = (name: string) => async (key: string | undefined) => {
    const message = JSON.stringify(key === undefined ? [name] : [name, key]);
    await call((redis) => redis.publish(channel, message))?.catch(() => {});
  };

  return {
    create<V>({ name, ttlMs, nearTtlMs, entriesMax, codec, keep }: CacheOptions<V>): Cache<V> {
      const metrics = cacheMetrics(name);
      const announce = announceFor(name);
      if (keep === "process")
        return createTwoLevelCache<V>({ near: createNear(name, ttlMs, entriesMax, metrics), far: noCache, announce });
      const far = { name, link, prefix, codec, clock, random, commandBudgetMs, metrics };
      if (nearTtlMs === undefined) return createRedisCache<V>({ ...far, ttlMs });
      if (nearTtlMs >= ttlMs) throw new Error(`the cache ${name} needs a nearTtlMs below its ttlMs`);
      return createTwoLevelCache<V>({
        near: createNear(name, nearTtlMs, entriesMax, { hit: metrics.hit, miss() {} }),
        // A value may reach the near level at the end of its time here: the two together make up ttlMs.
        far: createRedisCache<V>({ ...far, ttlMs: ttlMs - nearTtlMs }),
        announce,
      });
    },
  };
}

const noCache: Cache<never> = { getOrLoad: (_, load) => load(), async invalidate() {}, async clear() {} };
