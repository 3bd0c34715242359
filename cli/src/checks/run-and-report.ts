import { type Clock, systemClock } from "@plinth/kernel";
import { exitCodes } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { type Check, type CheckResult, hasFailed, runChecks } from "./check.ts";
import { createReport, jsonReport, verdict } from "./report.ts";

export interface ReportOptions<Context> {
  checks: readonly Check<Context>[];
  /** Called for every round: what was read is read anew. */
  open: () => Promise<Context>;
  close?: (context: Context) => Promise<void>;
  output: "text" | "json";
  /** Rounds are repeated for so long until none fails; only the last is shown. Default: one round. */
  waitMs?: number;
  /** What the last line says when nothing failed. */
  works: string;
  clock?: Clock;
}

const againMs = 1_000;

/** Runs checks and shows what they found; the exit code says whether one failed. */
export async function runAndReport<Context>(options: ReportOptions<Context>, terminal: Terminal): Promise<number> {
  const { clock = systemClock, waitMs = 0 } = options;
  const deadline = clock.monotonicMs() + waitMs;
  // At once, unless there may be another round.
  const live = options.output === "text" && waitMs === 0 ? createReport(terminal) : undefined;
  let results: CheckResult[];
  for (;;) {
    const context = await options.open();
    try {
      results = await runChecks(options.checks, context, { clock, ...(live ? { onResult: live } : {}) });
    } finally {
      await options.close?.(context);
    }
    if (!hasFailed(results) || clock.monotonicMs() >= deadline) break;
    await clock.sleep(againMs);
  }
  if (options.output === "json") terminal.line(jsonReport(results));
  else {
    if (!live) results.forEach(createReport(terminal));
    terminal.line();
    terminal.line(verdict(results, options.works));
  }
  return hasFailed(results) ? exitCodes.failed : exitCodes.ok;
}
