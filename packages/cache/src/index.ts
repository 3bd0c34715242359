export type { Cache } from "./cache.ts";
export { createMemoryCache, type MemoryCacheOptions } from "./memory-cache.ts";
