import path from "node:path";
import { checks, type Finding } from "../doctor/checks.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

/** Looks at this machine and says what is missing, each with the fix. */
export async function doctor(options: { data: string; port: number }, terminal: Terminal): Promise<number> {
  const environment = { home: path.resolve(options.data), port: options.port };
  let failed = 0;
  for (const check of checks) {
    const finding = await check.run(environment).catch((err: Error): Finding => ({ ok: false, text: err.message }));
    if (!finding.ok) failed++;
    terminal.line(`${finding.ok ? "✓" : "✗"} ${check.name}: ${finding.text}`);
    if (finding.fix !== undefined) terminal.line(`    fix: ${finding.fix}`);
  }
  terminal.line(failed === 0 ? "this machine can run Plinth" : `${failed} of ${checks.length} checks failed`);
  return failed === 0 ? exitCodes.ok : exitCodes.failed;
}
