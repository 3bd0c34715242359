export { RedisSilent } from "./deadlines.ts";
export { createRedisCache, type RedisCacheOptions } from "./redis-cache.ts";
export { createRedisCaches, type RedisCachesOptions } from "./redis-caches.ts";
export type { RedisAddress } from "./redis-connection.ts";
export { createRedisLink, type RedisCaller, type RedisLink, type RedisLinkOptions } from "./redis-link.ts";
export { createScript, type RedisScript } from "./script.ts";
