import { setImmediate } from "node:timers/promises";
import type { Clock } from "@plinth/kernel";

/** Redis did not answer within the time that the caller has for it. */
export class RedisSilent extends Error {
  constructor(budgetMs: number) {
    super(`Redis did not answer within ${budgetMs} ms`);
    this.name = "RedisSilent";
  }
}

interface Waiting {
  startMs: number;
  settled: boolean;
  reject(err: Error): void;
}

export interface DeadlinesOptions {
  budgetMs: number;
  clock: Clock;
  /** An answer came in time, a refusal included. */
  onAnswer(startMs: number): void;
  onSilence(startMs: number): void;
}

/**
 * Bounds calls by one budget: whoever waits longer gets RedisSilent. Calls with one budget end in the order in which they
 * began, so one sleep serves them all: a timer for each would cost more than the rest of the call.
 */
export function createDeadlines(options: DeadlinesOptions): <T>(work: Promise<T>) => Promise<T> {
  const { budgetMs, clock, onAnswer, onSilence } = options;
  let waiting: Waiting[] = [];
  let watching = false;

  async function watch(): Promise<void> {
    watching = true;
    for (;;) {
      waiting = waiting.slice(firstPending(waiting));
      const [first] = waiting;
      if (first === undefined) break;
      const leftMs = first.startMs + budgetMs - clock.monotonicMs();
      if (leftMs > 0) {
        await clock.sleep(leftMs);
        continue;
      }
      // When this process was the slow one, the answers lie in the socket: they are read before anybody is given up.
      await setImmediate();
      const nowMs = clock.monotonicMs();
      for (const call of waiting) {
        if (call.startMs + budgetMs > nowMs) break;
        if (call.settled) continue;
        call.settled = true;
        call.reject(new RedisSilent(budgetMs));
        onSilence(call.startMs);
      }
    }
    watching = false;
  }

  return (work) =>
    new Promise((resolve, reject) => {
      const call: Waiting = { startMs: clock.monotonicMs(), settled: false, reject };
      const settle = <A>(how: (answer: A) => void) => {
        return (answer: A) => {
          if (call.settled) return;
          call.settled = true;
          onAnswer(call.startMs);
          how(answer);
        };
      };
      work.then(settle(resolve), settle(reject));
      waiting.push(call);
      if (!watching) void watch();
    });
}

function firstPending(waiting: readonly Waiting[]): number {
  const index = waiting.findIndex((call) => !call.settled);
  return index === -1 ? waiting.length : index;
}
