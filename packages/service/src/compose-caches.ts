import { type Caches, createMemoryCaches } from "@plinth/cache";
import type { RedisLink } from "@plinth/cache/redis";
import { type Clock, ConfigError, type ConfigOf, type Logger, type Random } from "@plinth/kernel";
import type { BaseConfig, redisConfig } from "./service-config.ts";

/** The process's connection to Redis, for what is more than a cache. */
export interface SharedRedis {
  link: RedisLink;
  /** Of every key of this service: no other service's keys begin with it. */
  prefix: string;
}

export interface ComposedCaches {
  caches: Caches;
  /** Undefined with the driver memory. */
  redis: SharedRedis | undefined;
}

export interface ComposeCachesOptions {
  config: Pick<BaseConfig, "cacheDriver"> & Partial<ConfigOf<typeof redisConfig>>;
  /** As others know the service. */
  qualifiedName: string;
  instanceId: string;
  logger: Logger;
  clock: Clock;
  random: Random;
}

/** Opens nothing yet: the connection to Redis is a part that starts and stops with the others. */
export async function composeCaches(options: ComposeCachesOptions): Promise<ComposedCaches> {
  const { config, qualifiedName, instanceId, logger, clock, random } = options;
  if (config.cacheDriver === "memory" || config.redisUrl === undefined)
    return { caches: createMemoryCaches(clock), redis: undefined };
  const { redisUrl: url, redisCaFile: caFile } = config;
  if (caFile !== undefined && !url.startsWith("rediss:"))
    throw new ConfigError(["PLINTH_REDIS_CA_FILE is for TLS: PLINTH_REDIS_URL must begin with rediss:// then"]);
  const prefix = `${config.redisPrefix}${qualifiedName}:`;
  // Loaded when it is used: with the driver memory nobody pays for the Redis client.
  const { createRedisCaches, createRedisLink } = await import("@plinth/cache/redis");
  const link = createRedisLink({ url, caFile, connectionName: instanceId, logger, clock, random });
  return { caches: createRedisCaches({ link, prefix, logger, clock, random }), redis: { link, prefix } };
}
