import path from "node:path";
import { exitCodes } from "../exit-codes.ts";
import { control } from "../local/control-socket.ts";
import { localPaths } from "../local/local-paths.ts";
import type { Terminal } from "../terminal.ts";
import { isHealthy, statusTable } from "./status-table.ts";

/** Shows what runs. Exit code 0: all healthy; 1: something is not; 3: nothing runs. */
export async function status(options: { data: string; output: "text" | "json" }, terminal: Terminal): Promise<number> {
  const found = await control(localPaths(path.resolve(options.data)).controlSocket).status();
  if (options.output === "json") terminal.line(JSON.stringify(found ?? { state: "not running" }, null, 2));
  else
    for (const line of found ? statusTable(found) : ["nothing runs here; start it with npm start"]) terminal.line(line);
  if (!found) return exitCodes.notRunning;
  return isHealthy(found) ? exitCodes.ok : exitCodes.failed;
}
