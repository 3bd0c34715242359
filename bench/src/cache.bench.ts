import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Cache, createMemoryCaches, jsonCodec } from "@plinth/cache";
import { createRedisCaches, createRedisLink } from "@plinth/cache/redis";
import { LocalRateLimiter, type RateLimiter } from "@plinth/gateway";
import { createRedisRateLimiter } from "@plinth/gateway/redis";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { startRedis } from "@plinth/local-servers";
import { usageOf } from "./process-meter.ts";
import { printTable } from "./table.ts";

const rounds = 12;

/** Decisions of the rate limiter and look-ups of caches: in the process, and in a Redis on this machine. */
export async function benchCache(seconds: number): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), "plinth-bench-redis-"));
  const redis = await startRedis({ directory, clock: systemClock });
  const common = { logger: silentLogger, clock: systemClock, random: systemRandom };
  const link = createRedisLink({ ...common, url: redis.url, connectionName: "bench" });
  await link.start();
  const roundMs = (seconds * 1000) / rounds;

  /** As many callers as `callers`, each asking again as soon as it is answered. */
  async function measure(what: string, callers: number, ask: (n: number) => unknown) {
    const latenciesMs: number[] = [];
    const [cpu, redisCpuUs] = [process.cpuUsage(), usageOf(redis.pid).cpuUs];
    const until = performance.now() + roundMs;
    let n = 0;
    const caller = async () => {
      for (let began = performance.now(); began < until; ) {
        await ask(n++);
        const now = performance.now();
        latenciesMs.push(now - began);
        began = now;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    const used = process.cpuUsage(cpu);
    const redisUsedUs = usageOf(redis.pid).cpuUs - redisCpuUs;
    latenciesMs.sort((a, b) => a - b);
    const at = (share: number) => latenciesMs[Math.floor(latenciesMs.length * share)] ?? Number.NaN;
    return {
      what,
      callers,
      "per second": (latenciesMs.length / roundMs) * 1000,
      "CPU us": (used.user + used.system) / latenciesMs.length,
      "Redis CPU us": redisUsedUs / latenciesMs.length,
      "p50 ms": at(0.5),
      "p99 ms": at(0.99),
    };
  }

  const policy = { id: "bench/0", requests: 1_000, perMs: 1_000, key: "Address" } as const;
  const local = new LocalRateLimiter();
  let fellBack = 0;
  const counting: RateLimiter = {
    take(...asked) {
      fellBack++;
      return local.take(...asked);
    },
  };
  const shared = createRedisRateLimiter({ link, prefix: "bench:", local: counting });
  const take = (limiter: RateLimiter) => (n: number) => limiter.take(policy, `a ${n % 1_000}`, performance.now());
  const decisions = [];
  decisions.push({ ...(await measure("local", 1, take(local))), "decided locally": "all" });
  for (const callers of [1, 16, 64, 256]) {
    fellBack = 0;
    const row = await measure("Redis", callers, take(shared));
    decisions.push({ ...row, "decided locally": String(fellBack) });
  }
  printTable(`Rate limits: decisions on 1,000 callers, ${(roundMs / 1000).toFixed(1)} s each`, decisions);

  const codec = jsonCodec((value): value is string => typeof value === "string");
  const options = { ttlMs: 60_000, entriesMax: 10_000, codec };
  const value = "x".repeat(200);
  const caches = createRedisCaches({ ...common, link, prefix: "bench:" });
  const drivers: [string, Cache<string>][] = [
    ["memory", createMemoryCaches(systemClock).create({ ...options, name: "bench.memory" })],
    ["redis", caches.create({ ...options, name: "bench.redis" })],
    ["two-level", caches.create({ ...options, name: "bench.two-level", nearTtlMs: 1_000 })],
  ];
  const looks = [];
  for (const [driver, cache] of drivers)
    for (const callers of driver === "redis" ? [1, 64] : [1])
      looks.push(await measure(`${driver} hit`, callers, (n) => cache.getOrLoad(String(n % 1_000), async () => value)));
  const redisCache = (drivers[1] as (typeof drivers)[number])[1];
  looks.push(await measure("redis miss", 64, (n) => redisCache.getOrLoad(`new ${n}`, async () => value)));
  printTable(`Caches: values of 200 bytes, ${(roundMs / 1000).toFixed(1)} s each`, looks);

  await link.stop();
  await redis.stop();
  await rm(directory, { recursive: true });
}
