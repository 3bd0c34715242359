import { type Clock, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createFakeClock, eventually } from "@plinth/testing";
import { testRedis } from "@plinth/testing/redis";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { type CacheOptions, jsonCodec } from "../src/index.ts";
import { createRedisCaches, createRedisLink, type RedisLink, type RedisLinkOptions } from "../src/redis/index.ts";

export interface ProcessOptions extends Partial<RedisLinkOptions> {
  /** Of look-ups and stores, and what an invalidation has then is its own. Default: so long that a busy machine changes nothing. */
  commandBudgetMs?: number | undefined;
  /** Default: waits until Redis answers. */
  startsAway?: boolean;
}

const patientMs = 20_000;

/** What a process has: a connection and caches. Away again when the test is over. */
export async function startProcess(url: string, prefix: string, options: ProcessOptions = {}) {
  const { startsAway = false, commandBudgetMs, ...linkOptions } = options;
  const common = { logger: silentLogger, clock: systemClock, random: systemRandom };
  const link = createRedisLink({ ...common, url, connectionName: "test", ...linkOptions });
  const nearClock = createFakeClock();
  // Pauses for another's load last a second altogether: Redis answers within, however busy the machine is.
  const sleep: Clock["sleep"] = (ms, signal) => systemClock.sleep(ms * 20, signal);
  const clock = { ...nearClock, sleep };
  const caller: RedisLink["caller"] = (name, budgetMs) => link.caller(name, Math.max(budgetMs, patientMs));
  const caches = createRedisCaches(
    commandBudgetMs === undefined
      ? { ...common, link: { ...link, caller }, prefix, clock }
      : { ...common, link, prefix, clock, commandBudgetMs },
  );
  await link.start();
  onTestFinished(() => link.stop());
  if (!startsAway) await eventually(untilUp(link));
  return { link, caches, nearClock };
}

/** A connection beside those under test. */
export async function observe(url = testRedis().url): Promise<Redis> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: null });
  redis.on("error", () => {});
  await redis.connect();
  onTestFinished(() => redis.disconnect());
  return redis;
}

export const keysOf = async (redis: Redis, prefix: string): Promise<string[]> =>
  (await redis.keys(`${prefix}*`)).toSorted();

/** Makes every key of a prefix older, as waiting would. */
export async function age(redis: Redis, prefix: string, ms: number): Promise<void> {
  for (const key of await keysOf(redis, prefix)) await redis.pexpire(key, (await redis.pttl(key)) - Math.ceil(ms));
}

export const textCodec = jsonCodec<string | undefined>((value): value is string => typeof value === "string");

export const textCache = (name: string, more: Partial<CacheOptions<string | undefined>> = {}) => ({
  name,
  ttlMs: 60_000,
  entriesMax: 100,
  codec: textCodec,
  ...more,
});

export const untilUp = (link: RedisLink) => () => {
  if (!link.isUp()) throw new Error("Redis is still away");
};
