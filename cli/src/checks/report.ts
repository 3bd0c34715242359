import type { Terminal } from "../terminal.ts";
import { type CheckResult, hasFailed } from "./check.ts";

const marks = { ok: "√", warning: "‼", failed: "×", skipped: "–" } as const;

/** Prints results as they come, under one heading for each category. */
export function createReport(terminal: Terminal): (result: CheckResult) => void {
  let category = "";
  return (result) => {
    if (result.category !== category) {
      if (category !== "") terminal.line();
      category = result.category;
      terminal.line(category);
      terminal.line("-".repeat(category.length));
    }
    const [first = "", ...more] = result.message.split("\n");
    terminal.line(`${marks[result.status]} ${result.name}: ${first}`);
    for (const line of more) terminal.line(`    ${line}`);
    if (result.hint === "") return;
    terminal.line(`    ${result.hint}`);
    terminal.line(`    see docs/troubleshooting.md#${result.anchor}`);
  };
}

/** The last line: what to make of it all. */
export function verdict(results: readonly CheckResult[], works: string): string {
  const count = (status: CheckResult["status"]) => results.filter((result) => result.status === status).length;
  const [failed, warnings] = [count("failed"), count("warning")];
  const warned = warnings > 0 ? `, ${warnings} to look at` : "";
  return failed === 0 ? `${works}${warned}` : `${failed} of ${results.length} checks failed${warned}`;
}

/** The schema of `-o json`. */
export const jsonReport = (results: readonly CheckResult[]): string =>
  JSON.stringify({ ok: !hasFailed(results), checks: results }, null, 2);
