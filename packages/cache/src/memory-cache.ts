import type { Clock } from "@plinth/kernel";
import type { Cache } from "./cache.ts";
import { type CacheMetrics, cacheMetrics } from "./cache-metrics.ts";

export interface MemoryCacheOptions {
  /** For metrics. Default "memory". */
  name?: string;
  /** Entries at most; the oldest go first. */
  entriesMax: number;
  ttlMs: number;
  clock: Clock;
}

interface Entry<V> {
  value: Promise<V>;
  /** On the monotonic clock, counted from when the load began. */
  expiresMs: number;
  loading: boolean;
}

/** Cache in this process. What it invalidates is gone for this process. */
export function createMemoryCache<V>(options: MemoryCacheOptions): Cache<V> {
  return createNearCache(options, cacheMetrics(options.name ?? "memory"));
}

/** The same with metrics of its owner's. */
export function createNearCache<V>(
  { entriesMax, ttlMs, clock }: MemoryCacheOptions,
  metrics: Pick<CacheMetrics, "hit" | "miss">,
): Cache<V> {
  const entries = new Map<string, Entry<V>>();

  function begin(key: string, load: () => Promise<V>): Promise<V> {
    const expiresMs = clock.monotonicMs() + ttlMs;
    const entry: Entry<V> = { value: load(), expiresMs, loading: true };
    entries.delete(key);
    if (entries.size >= entriesMax) entries.delete(entries.keys().next().value as string);
    entries.set(key, entry);
    entry.value.then(
      () => {
        entry.loading = false;
      },
      () => {
        if (entries.get(key) === entry) entries.delete(key);
      },
    );
    return entry.value;
  }

  return {
    getOrLoad(key, load) {
      const found = entries.get(key);
      if (found && (found.loading || clock.monotonicMs() < found.expiresMs)) {
        metrics.hit();
        return found.value;
      }
      metrics.miss();
      return begin(key, load);
    },
    async invalidate(key) {
      entries.delete(key);
    },
    async clear() {
      entries.clear();
    },
  };
}
