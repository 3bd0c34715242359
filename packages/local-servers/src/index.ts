export type { LocalServer } from "./local-server.ts";
export { findRedis } from "./redis/find-redis.ts";
export { type LocalRedis, type LocalRedisOptions, startRedis } from "./redis/start-redis.ts";
export { type ServerProcess, type ServerProcessOptions, startServerProcess } from "./server-process.ts";
