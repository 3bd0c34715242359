import { eventually } from "@plinth/testing";
import { testRedis, whyNoRedis } from "@plinth/testing/redis";
import { describe, expect, test } from "vitest";
import { cacheContract, sharedCacheContract } from "../src/cache.contract.ts";
import { bytesCodec } from "../src/index.ts";
import { age, keysOf, observe, startProcess, textCache } from "./redis-fixture.ts";

const missing = whyNoRedis();

describe.skipIf(missing)(`on a real Redis${missing ? ` (${missing})` : ""}`, () => {
  const ttlMs = 60_000;

  cacheContract("process, with a real Redis", async () => {
    const { url, prefix } = testRedis();
    const { caches, nearClock } = await startProcess(url, prefix);
    const cache = caches.create(textCache("texts", { ttlMs, keep: "process" }));
    return { cache, ttlMs, pass: async (ms) => nearClock.advance(ms) };
  });

  test("what is to stay in its process does, and hears what others invalidate", async () => {
    const { url, prefix } = testRedis();
    const options = textCache("secret", { keep: "process" });
    const [one, other] = [await startProcess(url, prefix), await startProcess(url, prefix)].map(({ caches }) =>
      caches.create(options),
    );
    for (const cache of [one, other]) expect(await cache?.getOrLoad("k", async () => "old")).toBe("old");
    expect(await keysOf(await observe(), prefix)).toEqual([]);
    await one?.invalidate("k");
    await eventually(async () => expect(await other?.getOrLoad("k", async () => "new")).toBe("new"));
    await one?.clear();
    await eventually(async () => expect(await other?.getOrLoad("k", async () => "newer")).toBe("newer"));
  });

  const levels = { redis: undefined, "two-level": 500 };
  for (const [driver, nearTtlMs] of Object.entries(levels)) {
    const options = textCache("texts", { ttlMs, ...(nearTtlMs ? { nearTtlMs } : {}) });

    cacheContract(driver, async () => {
      const { url, prefix } = testRedis();
      const { caches, nearClock } = await startProcess(url, prefix);
      const observer = await observe();
      const pass = async (ms: number) => {
        nearClock.advance(ms);
        await age(observer, prefix, ms);
      };
      return { cache: caches.create(options), ttlMs, pass };
    });

    sharedCacheContract(driver, async () => {
      const { url, prefix } = testRedis();
      const [one, other] = [await startProcess(url, prefix), await startProcess(url, prefix)];
      const observer = await observe();
      let marks = 0;
      const settle = async () => {
        // Messages of one connection arrive in order: a marker after the others has all of them before it.
        const mark = textCache(`marks-${++marks}`, { nearTtlMs: 500 });
        const nears = [one, other].map(({ caches }) => caches.create(mark));
        for (const near of nears) await near.getOrLoad("m", async () => "old");
        await observer.unlink(await keysOf(observer, `${prefix}cache:${mark.name}:`));
        for (const { link } of [one, other]) {
          const call = link.caller("settle", 20_000);
          await call((redis) => redis.publish(`${prefix}invalidations`, JSON.stringify([mark.name])));
        }
        for (const near of nears)
          await eventually(async () => expect(await near.getOrLoad("m", async () => "new")).toBe("new"));
      };
      return { processes: [one.caches.create(options), other.caches.create(options)], settle };
    });
  }

  test("values are bytes of their codec, and what cannot be read is loaded again", async () => {
    const { url, prefix } = testRedis();
    const { caches } = await startProcess(url, prefix);
    const redis = await observe();
    const cache = caches.create({ name: "bytes", ttlMs, entriesMax: 1, codec: bytesCodec });
    const bytes = Uint8Array.from([0, 255, 76, 10]);
    await cache.getOrLoad("k", async () => bytes);
    const [key] = await keysOf(redis, prefix);
    expect(key).toMatch(new RegExp(`^${prefix}cache:bytes:[\\w-]{43}$`));
    expect([...((await redis.getBuffer(key as string)) ?? [])]).toEqual([86, ...bytes]);
    expect(new Uint8Array((await cache.getOrLoad("k", async () => undefined)) ?? [])).toEqual(bytes);

    const texts = caches.create(textCache("bytes"));
    expect(await texts.getOrLoad("k", async () => "fresh")).toBe("fresh");
    expect(await eventually(() => texts.getOrLoad("k", async () => "stored"))).toBe("stored");
  });

  test("a value too large to store is loaded every time, and waits for nobody's lease", async () => {
    const { url, prefix } = testRedis();
    const { caches } = await startProcess(url, prefix);
    const redis = await observe();
    const cache = caches.create(textCache("large"));
    const large = "x".repeat(256 * 1024);
    expect(await cache.getOrLoad("k", async () => large)).toBe(large);
    expect(await keysOf(redis, prefix)).toEqual([]);
  });

  test("every key has a time to live, leases too", async () => {
    const { url, prefix } = testRedis();
    const { caches } = await startProcess(url, prefix);
    const redis = await observe();
    const cache = caches.create(textCache("texts", { ttlMs }));
    await cache.getOrLoad("k", async () => {
      const [lease] = await keysOf(redis, prefix);
      const leftMs = await redis.pttl(lease as string);
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThanOrEqual(5_000);
      return "v";
    });
    const [key] = await keysOf(redis, prefix);
    const leftMs = await redis.pttl(key as string);
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(ttlMs);
  });

  test("clearing one cache leaves others alone, whatever they are called", async () => {
    const { url, prefix } = testRedis();
    const { caches } = await startProcess(url, prefix);
    const [some, all] = [caches.create(textCache("a*")), caches.create(textCache("ab"))];
    for (const cache of [some, all]) await cache.getOrLoad("k", async () => "old");
    await some.clear();
    expect(await some.getOrLoad("k", async () => "new")).toBe("new");
    expect(await all.getOrLoad("k", async () => "new")).toBe("old");
  });

  test("the near level answers without Redis for its time, and hears what others invalidate", async () => {
    const { url, prefix } = testRedis();
    const [one, other] = [await startProcess(url, prefix), await startProcess(url, prefix)];
    const redis = await observe();
    const options = textCache("texts", { ttlMs, nearTtlMs: 500 });
    const [cache, elsewhere] = [one.caches.create(options), other.caches.create(options)];
    const get = () => cache.getOrLoad("k", async () => "loaded");
    await get();
    // Behind the cache's back: only the near level can still have it.
    await redis.unlink(await keysOf(redis, prefix));
    await elsewhere.getOrLoad("k", async () => "other");
    expect(await get()).toBe("loaded");
    one.nearClock.advance(501);
    expect(await get()).toBe("other");
    await elsewhere.invalidate("k");
    await eventually(async () => expect(await get()).toBe("loaded"));
  });
});
