import type { Clock } from "@plinth/kernel";
import type { Caches } from "./cache.ts";
import { createMemoryCache } from "./memory-cache.ts";

/** Caches in this process only: each process loads for itself, and invalidates for itself. */
export function createMemoryCaches(clock: Clock): Caches {
  return { create: ({ name, entriesMax, ttlMs }) => createMemoryCache({ name, entriesMax, ttlMs, clock }) };
}
