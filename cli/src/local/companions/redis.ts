import { type LocalRedis, redisProblem, startRedis } from "@plinth/local-servers";
import type { Companion } from "./companion.ts";

/** Caches and rate limits that all instances share. */
export const redis: Companion<LocalRedis> = {
  name: "redis",
  problem: async () => redisProblem(process.env),
  start: startRedis,
  env: ({ url }) => ({ PLINTH_CACHE_DRIVER: "redis", PLINTH_REDIS_URL: url }),
};
