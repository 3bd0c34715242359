import { expect, test } from "vitest";
import { systemClock } from "../src/index.ts";

test("sleep ends by itself", async () => {
  await expect(systemClock.sleep(1)).resolves.toBeUndefined();
});

test("an abort ends a sleep at once, with the signal's reason", async () => {
  const controller = new AbortController();
  const reason = new Error("stopping");
  const asleep = systemClock.sleep(3_600_000, controller.signal);
  controller.abort(reason);
  await expect(asleep).rejects.toBe(reason);
  await expect(systemClock.sleep(3_600_000, controller.signal)).rejects.toBe(reason);
});

test("monotonic time does not go back", () => {
  const times = Array.from({ length: 1_000 }, () => systemClock.monotonicMs());
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});
