import { Fault } from "@plinth/kernel";

export interface WorkLimit {
  /** Runs at most `concurrencyMax` at a time, in order. Throws Fault resource_exhausted when too many wait. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createWorkLimit({ concurrencyMax, queueMax }: { concurrencyMax: number; queueMax: number }): WorkLimit {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async run(work) {
      if (running >= concurrencyMax) {
        if (waiting.length >= queueMax) throw full();
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else running++;
      try {
        return await work();
      } finally {
        // The place goes to the next in line, or is given up.
        const next = waiting.shift();
        if (next) next();
        else running--;
      }
    },
  };
}

const full = (): Fault =>
  new Fault({
    code: "resource_exhausted",
    reason: "PASSWORD_WORK_FULL",
    message: "too many sign-ins at once, try again shortly",
    retryAfterMs: 2_000,
  });
