import type { Clock } from "@plinth/kernel";

/** Longest time without a look at sockets and timers while there is work that waits for nothing. */
const sliceMs = 10;

/**
 * Work that finds everything in caches never waits, and a long queue of it would keep probes, watches and the renewal of
 * the lease from being served. Ask this right before each piece of work, and again after waiting for what it returns:
 * undefined means go on. Several workers may share one; at most one piece of work of each lies between two turns.
 */
export function createBreather(clock: Clock): () => Promise<void> | undefined {
  let lastMs = clock.monotonicMs();
  let turn: Promise<void> | undefined;
  return () => {
    if (clock.monotonicMs() - lastMs < sliceMs) return undefined;
    turn ??= new Promise((resolve) => {
      setImmediate(() => {
        lastMs = clock.monotonicMs();
        turn = undefined;
        resolve();
      });
    });
    return turn;
  };
}
