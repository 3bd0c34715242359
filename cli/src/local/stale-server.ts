import { readFile, rm } from "node:fs/promises";
import path from "node:path";

// PostgreSQL's fast shutdown writes a checkpoint; this is ample for the data of one machine.
const stopTimeoutMs = 30_000;

/**
 * Stops a PostgreSQL that an earlier run left on this data directory, for example because that run was killed. PostgreSQL
 * replaces the pid file of a process that is gone, but refuses to start when the pid belongs to some other program by
 * now: such a file is removed.
 */
export async function stopStaleServer(dataDirectory: string): Promise<boolean> {
  const pid = await serverPid(dataDirectory);
  if (pid === undefined || !signal(pid, 0)) return false;
  if (!(await isPostgresOf(pid, dataDirectory))) {
    await rm(path.join(dataDirectory, "postmaster.pid"), { force: true });
    return false;
  }
  signal(pid, "SIGINT");
  const deadline = performance.now() + stopTimeoutMs;
  while (signal(pid, 0)) {
    if (performance.now() > deadline) {
      throw new Error(`PostgreSQL of an earlier run (process ${pid}) does not stop; end it with: kill -QUIT ${pid}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return true;
}

/** First line of postmaster.pid; undefined when there is no server. */
export async function serverPid(dataDirectory: string): Promise<number | undefined> {
  try {
    const text = await readFile(path.join(dataDirectory, "postmaster.pid"), "utf8");
    const pid = Number(text.split("\n", 1)[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Fourth line of postmaster.pid; undefined when there is no server. */
export async function serverPort(dataDirectory: string): Promise<number | undefined> {
  const text = await readFile(path.join(dataDirectory, "postmaster.pid"), "utf8").catch(() => "");
  const port = Number(text.split("\n")[3]);
  return Number.isInteger(port) && port > 0 ? port : undefined;
}

/** Whether the server that is this process takes connections: its pid file says so in the eighth line. */
export async function isServing(dataDirectory: string, pid: number | undefined): Promise<boolean> {
  const text = await readFile(path.join(dataDirectory, "postmaster.pid"), "utf8").catch(() => "");
  const lines = text.split("\n");
  return Number(lines[0]) === pid && lines[7]?.trim() === "ready";
}

/** Pids are reused: only a process whose command line names this data directory is ours. */
async function isPostgresOf(pid: number, dataDirectory: string): Promise<boolean> {
  if (process.platform !== "linux") return true;
  try {
    const line = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0");
    return line.includes(dataDirectory);
  } catch {
    return false;
  }
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
