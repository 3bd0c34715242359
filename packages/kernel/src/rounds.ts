import type { Clock } from "./clock.ts";
import type { Component } from "./lifecycle.ts";

export interface RoundsOptions {
  name: string;
  /** Does what there is to do; true: there may be more, and the next round follows at once. The signal aborts when it is to stop. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a round that never has more returns nothing
  round(signal: AbortSignal): Promise<void | boolean>;
  /** Between two rounds. */
  intervalMs: number;
  /** Before the next round after one that threw. Default: intervalMs. */
  retryMs?: number;
  /** Told what a round threw, unless it is being stopped. */
  failed(err: unknown): void;
  clock: Clock;
}

/** Does its round from start to stop, again and again; stopping waits for the round in hand. */
export function createRounds(options: RoundsOptions): Component {
  const { name, round, intervalMs, retryMs = intervalMs, failed, clock } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    while (!signal.aborted) {
      let pauseMs = intervalMs;
      try {
        if (await round(signal)) pauseMs = 0;
      } catch (err) {
        if (signal.aborted) return;
        failed(err);
        pauseMs = retryMs;
      }
      if (pauseMs > 0) await clock.sleep(pauseMs, signal).catch(() => {});
    }
  }

  return {
    name,
    async start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
