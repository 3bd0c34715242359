export type { Cache, CacheOptions, Caches, Codec } from "./cache.ts";
export { bytesCodec, jsonCodec } from "./codec.ts";
export { createMemoryCache, type MemoryCacheOptions } from "./memory-cache.ts";
export { createMemoryCaches } from "./memory-caches.ts";
