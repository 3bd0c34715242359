import path from "node:path";
import { machineChecks, machineOf } from "../checks/machine.ts";
import { runAndReport } from "../checks/run-and-report.ts";
import type { Terminal } from "../terminal.ts";

export interface DoctorOptions {
  data: string;
  port: number;
  output: "text" | "json";
}

/** Looks at this machine and says what is missing, each with the fix. */
export function doctor(options: DoctorOptions, terminal: Terminal): Promise<number> {
  const open = async () => machineOf(path.resolve(options.data), options.port);
  return runAndReport(
    { checks: machineChecks, open, output: options.output, works: "this machine can run Plinth" },
    terminal,
  );
}
