import type { Cache } from "./cache.ts";

export interface TwoLevelCacheOptions<V> {
  /** In this process, for a short time. */
  near: Cache<V>;
  /** Shared by all processes. */
  far: Cache<V>;
  /** Tells the other processes; undefined: everything. Never rejects. */
  announce(key: string | undefined): Promise<void>;
}

/**
 * A small cache in front of a shared one. The near level collects concurrent calls and drops what others announce; a
 * message that is lost costs the near level's time to live. The ages add up: near and far times to live together are the bound.
 */
export function createTwoLevelCache<V>({ near, far, announce }: TwoLevelCacheOptions<V>): Cache<V> {
  return {
    getOrLoad: (key, load) => near.getOrLoad(key, () => far.getOrLoad(key, load)),
    // Far first: whoever hears of it must not find the old value there.
    async invalidate(key) {
      await far.invalidate(key);
      await near.invalidate(key);
      await announce(key);
    },
    async clear() {
      await far.clear();
      await near.clear();
      await announce(undefined);
    },
  };
}
