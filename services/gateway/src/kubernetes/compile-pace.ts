/** In the long run compiling takes at most one part of so many of the time, however large the cluster and however often it changes. */
const restShare = 5;
/** Rest that may be owed before a change waits for it: one that comes now and then, or a few at once, waits for nothing. */
const owedMaxMs = 2_000;

/** How long to wait with the next compile. */
export interface CompilePace {
  waitMs(): number;
  /** One has just ended that took so long. */
  compiled(durationMs: number): void;
}

export function createCompilePace(monotonicMs: () => number): CompilePace {
  /** When it has rested from all compiles. */
  let restedMs = Number.NEGATIVE_INFINITY;
  return {
    waitMs: () => Math.max(0, restedMs - owedMaxMs - monotonicMs()),
    compiled(durationMs) {
      // While it compiled it did not rest.
      restedMs = Math.max(restedMs + durationMs, monotonicMs()) + durationMs * restShare;
    },
  };
}
