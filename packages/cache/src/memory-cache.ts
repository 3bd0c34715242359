import type { Clock } from "@plinth/kernel";
import type { Cache } from "./cache.ts";

export interface MemoryCacheOptions {
  /** Entries at most; the oldest go first. */
  entriesMax: number;
  ttlMs: number;
  clock: Clock;
}

interface Entry<V> {
  value: Promise<V>;
  /** On the monotonic clock; undefined while loading. */
  expiresMs: number | undefined;
}

/** Cache in this process. */
export function createMemoryCache<V>({ entriesMax, ttlMs, clock }: MemoryCacheOptions): Cache<V> {
  const entries = new Map<string, Entry<V>>();
  return {
    getOrLoad(key, load) {
      const found = entries.get(key);
      if (found && (found.expiresMs === undefined || clock.monotonicMs() < found.expiresMs)) return found.value;
      const entry: Entry<V> = { value: load(), expiresMs: undefined };
      entries.delete(key);
      if (entries.size >= entriesMax) entries.delete(entries.keys().next().value as string);
      entries.set(key, entry);
      entry.value.then(
        () => {
          entry.expiresMs = clock.monotonicMs() + ttlMs;
        },
        () => {
          if (entries.get(key) === entry) entries.delete(key);
        },
      );
      return entry.value;
    },
    async invalidate(key) {
      entries.delete(key);
    },
    async clear() {
      entries.clear();
    },
  };
}
