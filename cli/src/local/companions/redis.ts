import { findRedis, type LocalRedis, startRedis } from "@plinth/local-servers";
import type { Companion } from "./companion.ts";

/** Caches and rate limits that all instances share. */
export const redis: Companion<LocalRedis> = {
  name: "redis",
  async problem() {
    try {
      findRedis(process.env);
      return undefined;
    } catch (err) {
      return (err as Error).message;
    }
  },
  start: startRedis,
  env: ({ url }) => ({ PLINTH_CACHE_DRIVER: "redis", PLINTH_REDIS_URL: url }),
};
