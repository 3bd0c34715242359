import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { control } from "../local/control-socket.ts";
import { localPaths } from "../local/local-paths.ts";
import type { Terminal } from "../terminal.ts";

// Services have 30 s, PostgreSQL another 30 s.
const downTimeoutMs = 70_000;

/** Stops the platform that runs on this data and waits until it is gone. */
export async function down(options: { data: string }, terminal: Terminal): Promise<number> {
  const paths = localPaths(path.resolve(options.data));
  const client = control(paths.controlSocket);
  const status = await client.status();
  if (!status) {
    terminal.line("nothing runs here");
    return exitCodes.ok;
  }
  await client.down();
  const deadline = systemClock.monotonicMs() + downTimeoutMs;
  while (isAlive(status.pid)) {
    if (systemClock.monotonicMs() > deadline) {
      throw new CommandFailure(`process ${status.pid} does not stop; see ${paths.logs}`);
    }
    await systemClock.sleep(50);
  }
  terminal.line("stopped");
  return exitCodes.ok;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
