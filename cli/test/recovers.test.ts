import { createFakeClock } from "@plinth/testing";
import { expect, test } from "vitest";
import { recovers } from "../src/verify/recovers.ts";

const nobodyAsks = new Promise<void>(() => {});
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a failed check is repeated until it passes", async () => {
  const clock = createFakeClock();
  const results = [false, false, true];
  const recovered = recovers(async () => results.shift() ?? false, { clock, stopRequested: nobodyAsks });
  for (let round = 0; round < 3; round++) {
    await turn();
    clock.advance(30_000);
  }
  expect(await recovered).toBe(true);
  expect(results).toEqual([]);
});

test("a platform that is asked to stop waits for no further check, nor for one that hangs", async () => {
  const clock = createFakeClock();
  expect(await recovers(async () => true, { clock, stopRequested: Promise.resolve() })).toBe(false);
  const stop = Promise.withResolvers<void>();
  const hanging = recovers(() => new Promise(() => {}), { clock, stopRequested: stop.promise });
  await turn();
  clock.advance(30_000);
  await turn();
  stop.resolve();
  expect(await hanging).toBe(false);
});
