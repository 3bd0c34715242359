import { createFakeClock } from "@plinth/testing";
import { cacheContract } from "../src/cache.contract.ts";
import { createMemoryCache } from "../src/index.ts";

cacheContract("memory", async () => {
  const clock = createFakeClock();
  const limits = { entriesMax: 5, ttlMs: 1_000 };
  return { cache: createMemoryCache({ ...limits, clock }), ...limits, pass: async (ms) => clock.advance(ms) };
});
