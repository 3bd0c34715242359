import type { Clock } from "@plinth/kernel";

export interface WakeUp {
  wake: () => void;
  /** Resolves when woken (also by a wake-up since the last wait), after `ms`, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createWakeUp(clock: Clock): WakeUp {
  let pending = false;
  let resume: (() => void) | undefined;
  return {
    wake() {
      pending = true;
      resume?.();
    },
    async wait(ms, signal) {
      if (!pending && !signal.aborted) {
        const waiting = new AbortController();
        const woken = new Promise<void>((resolve) => {
          resume = resolve;
        });
        await Promise.race([woken, clock.sleep(ms, AbortSignal.any([signal, waiting.signal])).catch(() => {})]);
        resume = undefined;
        waiting.abort();
      }
      pending = false;
    },
  };
}
