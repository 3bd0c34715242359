import { describe, expect, test } from "vitest";
import type { Cache } from "./cache.ts";

export interface CacheFixture {
  cache: Cache<string | undefined>;
  /** So long that nothing ends before its time, however slow the machine is. */
  ttlMs: number;
  /** Lets time pass, as far as the cache can tell. */
  pass(ms: number): Promise<void>;
}

/** Below the 5 s after which Redis ends the lease of a load. */
const loadMs = 3_000;

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

    test("counts the time from when a load began", async () => {
      const { cache, ttlMs, pass } = await open();
      let loads = 0;
      const get = () =>
        cache.getOrLoad("k", async () => {
          if (++loads === 1) await pass(loadMs);
          return `v${loads}`;
        });
      expect(await get()).toBe("v1");
      await pass(ttlMs - loadMs / 2);
      expect(await get()).toBe("v2");
    });

    test("keeps keys apart, however they are written", async () => {
      const { cache } = await open();
      const keys = ["", "a", "a:b", "a*", "ä", "x".repeat(10_000), "x".repeat(9_999), "a\u0000"];
      for (const key of keys) expect(await cache.getOrLoad(key, async () => `of ${key}`)).toBe(`of ${key}`);
      for (const key of keys) expect(await cache.getOrLoad(key, async () => "again")).toBe(`of ${key}`);
    });

    test("many askers of one key cause one load", async () => {
      const { cache } = await open();
      const { promise, resolve } = Promise.withResolvers<string>();
      const begun = Promise.withResolvers<void>();
      let loads = 0;
      const asked = Array.from({ length: 10 }, () =>
        cache.getOrLoad("k", () => {
          loads++;
          begun.resolve();
          return promise;
        }),
      );
      await begun.promise;
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
      let loads = 0;
      const get = () => cache.getOrLoad("k", async () => `v${++loads}`);
      expect([await get(), await get()]).toEqual(["v1", "v1"]);
    });

    test("an invalidated key is loaded again, also when its load was under way", async () => {
      const { cache } = await open();
      const stale = Promise.withResolvers<string>();
      const begun = Promise.withResolvers<void>();
      const first = cache.getOrLoad("k", () => {
        begun.resolve();
        return stale.promise;
      });
      await begun.promise;
      await cache.invalidate("k");
      expect(await cache.getOrLoad("k", async () => "fresh")).toBe("fresh");
      stale.resolve("stale");
      expect(await first).toBe("stale");
      expect(await cache.getOrLoad("k", async () => "again")).toBe("fresh");
    });

    test("a cleared cache loads everything again, loads under way included", async () => {
      const { cache } = await open();
      const stale = Promise.withResolvers<string>();
      const begun = Promise.withResolvers<void>();
      await cache.getOrLoad("a", async () => "old");
      const first = cache.getOrLoad("b", () => {
        begun.resolve();
        return stale.promise;
      });
      await begun.promise;
      await cache.clear();
      stale.resolve("old");
      await first;
      const get = (key: string) => cache.getOrLoad(key, async () => "new");
      expect([await get("a"), await get("b")]).toEqual(["new", "new"]);
    });
  });
}

export interface SharedCacheFixture {
  /** Caches of one name in two processes. */
  processes: readonly [Cache<string | undefined>, Cache<string | undefined>];
  /** Resolves when what a process has invalidated has reached the other. */
  settle(): Promise<void>;
}

/** The duties of a Cache that processes share. */
export function sharedCacheContract(driver: string, open: () => Promise<SharedCacheFixture>): void {
  describe(`shared cache: ${driver}`, () => {
    test("what one process has loaded, the other has", async () => {
      const [one, other] = (await open()).processes;
      await one.getOrLoad("k", async () => "v");
      await one.getOrLoad("nothing", async () => undefined);
      expect(await other.getOrLoad("k", async () => "loaded again")).toBe("v");
      expect(await other.getOrLoad("nothing", async () => "loaded again")).toBe(undefined);
    });

    test("what one process invalidates, the other loads again", async () => {
      const { processes, settle } = await open();
      const [one, other] = processes;
      for (const cache of processes) await cache.getOrLoad("k", async () => "old");
      await one.invalidate("k");
      await settle();
      expect(await other.getOrLoad("k", async () => "new")).toBe("new");
      await other.clear();
      await settle();
      expect(await one.getOrLoad("k", async () => "newer")).toBe("newer");
    });

    test("an invalidation takes back a load that is under way in the other process", async () => {
      const { processes, settle } = await open();
      const [one, other] = processes;
      const stale = Promise.withResolvers<string>();
      const begun = Promise.withResolvers<void>();
      const first = other.getOrLoad("k", () => {
        begun.resolve();
        return stale.promise;
      });
      await begun.promise;
      await one.invalidate("k");
      await settle();
      expect(await other.getOrLoad("k", async () => "fresh")).toBe("fresh");
      stale.resolve("stale");
      expect(await first).toBe("stale");
      expect(await one.getOrLoad("k", async () => "again")).toBe("fresh");
    });

    test("of two processes that miss at once one loads", async () => {
      const { processes } = await open();
      const begun = Promise.withResolvers<void>();
      const value = Promise.withResolvers<string>();
      let loads = 0;
      const load = () => {
        loads++;
        begun.resolve();
        return value.promise;
      };
      const first = processes[0].getOrLoad("k", load);
      await begun.promise;
      const second = processes[1].getOrLoad("k", load);
      value.resolve("v");
      expect(await Promise.all([first, second])).toEqual(["v", "v"]);
      expect(loads).toBe(1);
    });

    test("a process does not wait long for a load of the other", async () => {
      const { processes } = await open();
      const begun = Promise.withResolvers<void>();
      const never = Promise.withResolvers<string>();
      const first = processes[0].getOrLoad("k", () => {
        begun.resolve();
        return never.promise;
      });
      await begun.promise;
      expect(await processes[1].getOrLoad("k", async () => "own")).toBe("own");
      never.resolve("late");
      expect(await first).toBe("late");
    });
  });
}
