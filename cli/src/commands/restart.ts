import path from "node:path";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { control } from "../local/control-socket.ts";
import { localPaths } from "../local/local-paths.ts";
import type { Terminal } from "../terminal.ts";

/** Builds, migrates and restarts one service of a running platform, and waits until it is ready. */
export async function restart(service: string, options: { data: string }, terminal: Terminal): Promise<number> {
  const after = await control(localPaths(path.resolve(options.data)).controlSocket).restart(service);
  if (!after) throw new CommandFailure("nothing runs here; start it with npm start");
  terminal.line(`${service} is ready again`);
  return exitCodes.ok;
}
