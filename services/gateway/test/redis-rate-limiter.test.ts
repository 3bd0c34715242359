import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createRedisLink, type RedisLink } from "@plinth/cache/redis";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { startRedis } from "@plinth/local-servers";
import { eventually } from "@plinth/testing";
import { testRedis, whyNoRedis } from "@plinth/testing/redis";
import fc from "fast-check";
import { Redis } from "ioredis";
import { describe, expect, onTestFinished, test } from "vitest";
import { LocalRateLimiter } from "../src/data/local-rate-limiter.ts";
import type { RateLimitDecision, RateLimiter } from "../src/data/rate-limiter.ts";
import { createRedisRateLimiter, gcraScript, rateLimitKey } from "../src/data/redis-rate-limiter.ts";
import type { RateLimitPolicy } from "../src/data/route.ts";
import { service, startGateway } from "./harness.ts";
import { startHttpUpstream } from "./upstream.ts";

const missing = whyNoRedis();
const policy = (requests: number, perMs: number, id = "r/0"): RateLimitPolicy => ({
  id,
  requests,
  perMs,
  key: "Address",
});

async function connectLink(url: string): Promise<RedisLink> {
  const common = { logger: silentLogger, clock: systemClock, random: systemRandom };
  const link = createRedisLink({ ...common, url, connectionName: "test" });
  await link.start();
  onTestFinished(() => link.stop());
  await eventually(() => expect(link.isUp()).toBe(true));
  return link;
}

async function observe(url: string): Promise<Redis> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: null });
  redis.on("error", () => {});
  await redis.connect();
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** Fails the test when it is asked: Redis has to decide. */
const never: RateLimiter = {
  take() {
    throw new Error("decided locally");
  },
};

describe.skipIf(missing)(`limits in a real Redis${missing ? ` (${missing})` : ""}`, () => {
  /** As many gateways as asked for, each with a connection of its own. */
  async function gateways(count: number) {
    const { url, prefix } = testRedis();
    const links = await Promise.all(Array.from({ length: count }, () => connectLink(url)));
    const options = { prefix, local: never, waitMaxMs: 20_000 };
    return {
      prefix,
      redis: await observe(url),
      limiters: links.map((link) => createRedisRateLimiter({ ...options, link })),
    };
  }

  test("gateways together never let more through than the policy allows, and not less", async () => {
    const { limiters, redis } = await gateways(3);
    const nowMicroseconds = async () => {
      const [seconds, microseconds] = await redis.time();
      return Number(seconds) * 1e6 + Number(microseconds);
    };
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 20, max: 5_000 }),
        fc.array(fc.array(fc.nat(2), { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 8 }),
        async (requests, perMs, rounds) => {
          const limit = policy(requests, perMs, `run/${run++}`);
          const began = await nowMicroseconds();
          const decisions: RateLimitDecision[] = [];
          for (const round of rounds)
            decisions.push(
              ...(await Promise.all(round.map((which) => (limiters[which] as RateLimiter).take(limit, "k", 0)))),
            );
          const elapsedMs = ((await nowMicroseconds()) - began) / 1000;
          const allowed = decisions.filter((decision) => decision.allowed).length;
          expect(allowed).toBeLessThanOrEqual(requests + Math.floor((elapsedMs / perMs) * requests));
          expect(allowed).toBeGreaterThanOrEqual(Math.min(requests, decisions.length));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("decides as the local limiter does at the same times", async () => {
    const { redis, prefix } = await gateways(1);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom([1, 700], [5, 1_000], [7, 1_000], [3, 2_000], [90, 60_000], [1_000, 1_000]),
        fc.array(fc.oneof(fc.constant(0), fc.nat(50), fc.nat(3_000)), { minLength: 1, maxLength: 60 }),
        async ([requests = 1, perMs = 1], gapsMs) => {
          const limit = policy(requests, perMs, `equal/${run++}`);
          const key = rateLimitKey(prefix, limit, "k");
          const local = new LocalRateLimiter();
          const [began = ""] = await redis.time();
          let skippedMs = 0;
          for (const gapMs of gapsMs) {
            // Time is made to pass by making what is stored older.
            skippedMs += gapMs;
            const [at, used] = ((await redis.get(key)) ?? "").split(" ");
            if (used) await redis.set(key, `${Number(at) - gapMs * 1000} ${used}`, "KEEPTTL");
            const [allowed, usedNow, now] = (await gcraScript.run(redis, key, perMs, requests)) as [
              number,
              string,
              string,
            ];
            const nowMs = (Number(now) - Number(began) * 1e6) / 1000 + skippedMs;
            const expected = local.take(limit, "k", nowMs);
            expect(allowed === 1).toBe(expected.allowed);
            expect(Number(usedNow) / 1000).toBeCloseTo(expected.resetMs, 4);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("says what is left, and when there is more", async () => {
    const { limiters } = await gateways(1);
    const limiter = limiters[0] as RateLimiter;
    const limit = policy(3, 60_000);
    const decisions: RateLimitDecision[] = [];
    for (let i = 0; i < 4; i++) decisions.push(await limiter.take(limit, "k", 0));
    expect(decisions.map((d) => [d.allowed, d.remaining])).toEqual([
      [true, 2],
      [true, 1],
      [true, 0],
      [false, 0],
    ]);
    const [first, , , refused] = decisions;
    expect(first).toMatchObject({ resetMs: 20_000, retryAfterMs: 0 });
    expect(refused?.retryAfterMs).toBeGreaterThan(0);
    expect(refused?.retryAfterMs).toBeLessThanOrEqual(20_000);
    expect((await limiter.take(policy(3, 60_000, "r/1"), "k", 0)).allowed).toBe(true);
    expect((await limiter.take(limit, "other", 0)).allowed).toBe(true);
  });

  test("a burst of a million is counted to the last one", async () => {
    const { redis, prefix, limiters } = await gateways(1);
    const limit = policy(1_000_000, 3_600_000);
    const key = rateLimitKey(prefix, limit, "k");
    // As if 999,999 had come just now, each of them added up.
    const [seconds] = await redis.time();
    let used = 0;
    for (let i = 0; i < 999_999; i++) used += 3_600_000_000 / 1_000_000;
    await redis.set(key, `${Number(seconds) * 1e6 + 10e6} ${used}`);
    const take = async () => (await (limiters[0] as RateLimiter).take(limit, "k", 0)).allowed;
    expect(await take()).toBe(true);
    // What was written lies ahead of the clock, which therefore gave nothing back before.
    await redis.set(key, `${Number(seconds) * 1e6 + 10e6} ${used + 3_600}`);
    expect(await take()).toBe(false);
  });

  test("keeps nothing longer than it takes a quota to be whole", async () => {
    const { redis, prefix, limiters } = await gateways(1);
    for (const key of ["a", "b"]) await limiters[0]?.take(policy(10, 3_600_000), key, 0);
    const keys = await redis.keys(`${prefix}*`);
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      const leftMs = await redis.pttl(key);
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThanOrEqual(360_000);
    }
  });

  test("two gateways answer as one", async () => {
    const { limiters } = await gateways(2);
    const upstream = await startHttpUpstream((_request, response) => response.end("ok"));
    onTestFinished(() => upstream.close());
    const rule = { path: "/", authentication: "None", rateLimit: { requests: 3, per: "1h", key: "Address" } };
    const urls: string[] = [];
    for (const limiter of limiters) {
      const gateway = await startGateway(
        [service("shop", [rule])],
        { shop: [upstream.port] },
        { sharedLimits: () => limiter },
      );
      onTestFinished(() => gateway.stop());
      urls.push(gateway.url);
    }
    const answers: [number, string | null][] = [];
    for (const url of [...urls, ...urls]) {
      const response = await fetch(url);
      answers.push([response.status, response.headers.get("ratelimit")]);
      await response.body?.cancel();
    }
    expect(answers.map(([status]) => status)).toEqual([200, 200, 200, 429]);
    expect(answers.map(([, left]) => /r=(\d)/.exec(left ?? "")?.[1])).toEqual(["2", "1", "0", "0"]);
  });

  test("decides on its own while Redis is silent or away, without waiting for it, and with it again afterwards", async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "plinth-redis-"));
    const redis = await startRedis({ directory, clock: systemClock });
    onTestFinished(async () => {
      await redis.kill();
      await rm(directory, { recursive: true, force: true });
    });
    const link = await connectLink(redis.url);
    const limiter = createRedisRateLimiter({ link, prefix: "", local: new LocalRateLimiter() });
    const limit = policy(2, 3_600_000);
    const take = () => limiter.take(limit, "k", 0);
    await limiter.take(policy(1, 1_000, "before"), "k", 0);

    process.kill(redis.pid, "SIGSTOP");
    // Its own quota is whole yet: the stated fallback.
    const [first, second, third] = [await take(), await take(), await take()];
    expect([first, second, third].map((decision) => decision.allowed)).toEqual([true, true, false]);
    await eventually(async () => {
      await take();
      expect(link.isUp()).toBe(false);
    });
    expect(take()).not.toBeInstanceOf(Promise);
    process.kill(redis.pid, "SIGCONT");
    await eventually(() => expect(link.isUp()).toBe(true));
    await redis.kill();
    await eventually(() => expect(take()).not.toBeInstanceOf(Promise));
  });
});
