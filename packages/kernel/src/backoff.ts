import type { Random } from "./random.ts";

export interface BackoffOptions {
  initialMs: number;
  maxMs: number;
  /** Default 2. */
  factor?: number;
}

/** Delay before attempt `attempt` (from 1): exponential with full jitter, at least a tenth of the ceiling. */
export function backoffMs(attempt: number, options: BackoffOptions, random: Random): number {
  const ceiling = Math.min(options.maxMs, options.initialMs * (options.factor ?? 2) ** (attempt - 1));
  return ceiling * (0.1 + 0.9 * random.fraction());
}
