import { describe, expect, test } from "vitest";
import type { Cache } from "./cache.ts";

export interface CacheFixture {
  cache: Cache<string | undefined>;
  ttlMs: number;
  entriesMax: number;
  /** Lets time pass, as far as the cache can tell. */
  pass(ms: number): Promise<void>;
}

/** The duties of a Cache, run against every driver. */
export function cacheContract(driver: string, open: () => Promise<CacheFixture>): void {
  describe(`cache: ${driver}`, () => {
    test("loads once and serves the value until its time is over", async () => {
      const { cache, ttlMs, pass } = await open();
      let loads = 0;
      const get = () => cache.getOrLoad("k", async () => `v${++loads}`);
      expect([await get(), await get()]).toEqual(["v1", "v1"]);
      await pass(ttlMs + 1);
      expect(await get()).toBe("v2");
    });

    test("many askers of one key cause one load", async () => {
      const { cache } = await open();
      const { promise, resolve } = Promise.withResolvers<string>();
      let loads = 0;
      const asked = Array.from({ length: 10 }, () =>
        cache.getOrLoad("k", () => {
          loads++;
          return promise;
        }),
      );
      resolve("v");
      expect(new Set(await Promise.all(asked))).toEqual(new Set(["v"]));
      expect(loads).toBe(1);
    });

    test("remembers that there is nothing", async () => {
      const { cache } = await open();
      let loads = 0;
      const get = () => cache.getOrLoad("k", async () => void loads++ as undefined);
      await get();
      expect([await get(), loads]).toEqual([undefined, 1]);
    });

    test("a failed load is not kept", async () => {
      const { cache } = await open();
      await expect(cache.getOrLoad("k", () => Promise.reject(new Error("away")))).rejects.toThrow("away");
      expect(await cache.getOrLoad("k", async () => "v")).toBe("v");
    });

    test("an invalidated key is loaded again, also when its load was under way", async () => {
      const { cache } = await open();
      const stale = Promise.withResolvers<string>();
      const first = cache.getOrLoad("k", () => stale.promise);
      await cache.invalidate("k");
      expect(await cache.getOrLoad("k", async () => "fresh")).toBe("fresh");
      stale.resolve("stale");
      await first;
      expect(await cache.getOrLoad("k", async () => "again")).toBe("fresh");
    });

    test("never holds more than its bound", async () => {
      const { cache, entriesMax } = await open();
      let loads = 0;
      const get = (key: string) => cache.getOrLoad(key, async () => `${key}${++loads}`);
      for (let i = 0; i <= entriesMax; i++) await get(`k${i}`);
      await get(`k${entriesMax}`);
      expect(loads).toBe(entriesMax + 1);
      await get("k0");
      expect(loads).toBe(entriesMax + 2);
    });
  });
}
