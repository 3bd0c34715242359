import type { Clock } from "@plinth/kernel";

export interface FakeClock extends Clock {
  /** Moves time forward and wakes the sleepers whose time has come. */
  advance(ms: number): void;
}

/** A clock that stands still until it is told to move. */
export function createFakeClock(startMs = 1_700_000_000_000): FakeClock {
  let elapsedMs = 0;
  let sleepers: { atMs: number; wake: () => void }[] = [];
  return {
    now: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const sleeper = { atMs: elapsedMs + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener(
          "abort",
          () => {
            sleepers = sleepers.filter((other) => other !== sleeper);
            reject(signal.reason);
          },
          { once: true },
        );
      }),
    advance(ms) {
      elapsedMs += ms;
      const due = sleepers.filter((s) => s.atMs <= elapsedMs);
      sleepers = sleepers.filter((s) => s.atMs > elapsedMs);
      for (const sleeper of due) sleeper.wake();
    },
  };
}
