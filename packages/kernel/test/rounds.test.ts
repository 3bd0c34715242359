import { expect, test } from "vitest";
import { type Clock, createRounds, systemClock } from "../src/index.ts";

/** A clock that notes what is slept, does so at once for `count` times, and then until it is told to stop. */
function clockOf(count: number) {
  const slept: number[] = [];
  let reached = () => {};
  const enough = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const clock: Clock = {
    ...systemClock,
    async sleep(ms, signal) {
      slept.push(ms);
      if (slept.length < count) return;
      reached();
      await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true }));
    },
  };
  return { clock, slept, enough };
}

const abort = (): AbortSignal => AbortSignal.timeout(5_000);

test("a round follows at once while there is more, otherwise after the interval, and later after a failure", async () => {
  const { clock, slept, enough } = clockOf(4);
  const outcomes = [true, true, false, new Error("away"), undefined];
  const failures: unknown[] = [];
  let calls = 0;
  const rounds = createRounds({
    ...{ name: "test", clock, intervalMs: 10, retryMs: 500 },
    async round() {
      const outcome = outcomes[calls++];
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
    failed: (err) => failures.push((err as Error).message),
  });
  await rounds.start?.();
  await enough;
  await rounds.stop?.(abort());
  expect(slept).toEqual([10, 500, 10, 10]);
  expect(calls).toBe(6);
  expect(failures).toEqual(["away"]);
});

test("stopping waits for the round in hand, which is told; what it throws then is no failure", async () => {
  const failures: unknown[] = [];
  let begun = () => {};
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let ended = false;
  const rounds = createRounds({
    ...{ name: "test", clock: systemClock, intervalMs: 10 },
    async round(signal) {
      begun();
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      ended = true;
      throw new Error("cut off");
    },
    failed: (err) => failures.push(err),
  });
  await rounds.start?.();
  await started;
  await rounds.stop?.(abort());
  expect({ ended, failures }).toEqual({ ended: true, failures: [] });
});
