import { createFakeClock } from "@plinth/testing";
import { expect, test } from "vitest";
import { cacheContract } from "../src/cache.contract.ts";
import { createMemoryCache } from "../src/index.ts";

const limits = { entriesMax: 100, ttlMs: 60_000 };

cacheContract("memory", async () => {
  const clock = createFakeClock();
  return { cache: createMemoryCache({ ...limits, clock }), ...limits, pass: async (ms) => clock.advance(ms) };
});

test("never holds more than its bound", async () => {
  const cache = createMemoryCache<string>({ ttlMs: 1_000, entriesMax: 5, clock: createFakeClock() });
  let loads = 0;
  const get = (key: string) => cache.getOrLoad(key, async () => `${key}${++loads}`);
  for (let i = 0; i <= 5; i++) await get(`k${i}`);
  await get("k5");
  expect(loads).toBe(6);
  await get("k0");
  expect(loads).toBe(7);
});
