import { spawn } from "node:child_process";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "@plinth/kernel";
import { lastLines } from "./last-lines.ts";
import type { LocalServer } from "./local-server.ts";

export interface ServerProcessOptions {
  name: string;
  command: string;
  /** One of them must name `directory`: it is how a process of an earlier run is recognised. */
  args: readonly string[];
  /** Everything of this server: its pid file and its log, too. Made when absent. */
  directory: string;
  /** host:port that the arguments make it listen on. */
  address: string;
  env?: Readonly<Record<string, string>>;
  /** Resolves to true once the server answers; called until then. May throw instead of returning false. */
  isReady(): Promise<boolean>;
  startTimeoutMs: number;
  /** SIGTERM is followed by SIGKILL after this long. */
  stopTimeoutMs: number;
  clock: Clock;
}

export type ServerProcess = LocalServer;

const pidFileIn = (directory: string): string => path.join(directory, "pid");

const pollMs = 25;
const logLinesShown = 12;

/** Starts a server, ending first the one that an earlier run left on the same folder, and waits until it answers. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { name, directory, clock } = options;
  const pidFile = pidFileIn(directory);
  const logFile = path.join(directory, `${name}.log`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await endLeftServer(options);
  const log = await open(logFile, "a", 0o600);
  const child = spawn(options.command, options.args, {
    cwd: directory,
    // A group of its own: Ctrl-C in the terminal must not reach it before its clients have stopped.
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
    env: { ...process.env, ...options.env },
  });
  await log.close();
  let ended: string | undefined;
  const exited = new Promise<string>((resolve) => {
    child.once("error", (err) => resolve(err.message));
    child.once("exit", (code, signal) => resolve(signal ? `ended by ${signal}` : `exit code ${code}`));
  }).then((how) => {
    ended = how;
    return how;
  });
  // A server never keeps its owner alive.
  child.unref();
  if (child.pid !== undefined) await writeFile(pidFile, `${child.pid}\n`, { mode: 0o600 });

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (ended === undefined) {
      child.ref();
      child.kill(signal);
      const hurry = setTimeout(() => child.kill("SIGKILL"), options.stopTimeoutMs);
      await exited;
      clearTimeout(hurry);
    }
    await rm(pidFile, { force: true });
  }

  const deadline = clock.monotonicMs() + options.startTimeoutMs;
  while (!(await options.isReady().catch(() => false))) {
    const late = clock.monotonicMs() > deadline;
    if (ended === undefined && !late) {
      await clock.sleep(pollMs);
      continue;
    }
    const why = ended ?? `did not answer within ${options.startTimeoutMs / 1000} s`;
    await end("SIGKILL");
    throw new Error(
      `${name} did not start (${why}); the end of ${logFile}:\n${await lastLines(logFile, logLinesShown)}`,
    );
  }
  return {
    name,
    address: options.address,
    pid: child.pid as number,
    exited,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

/** Ends what an earlier run left behind. Pids are reused: only a process whose command line names the folder is ours. */
export async function endLeftServer(options: {
  directory: string;
  stopTimeoutMs: number;
  clock: Clock;
}): Promise<void> {
  const pid = Number(await readFile(pidFileIn(options.directory), "utf8").catch(() => ""));
  if (!Number.isInteger(pid) || pid < 2 || !(await isOurs(pid, options.directory))) return;
  const deadline = options.clock.monotonicMs() + options.stopTimeoutMs;
  signal(pid, "SIGTERM");
  while (await isOurs(pid, options.directory)) {
    if (options.clock.monotonicMs() > deadline) signal(pid, "SIGKILL");
    await options.clock.sleep(pollMs);
  }
}

/** It may end by itself at any moment. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone.
  }
}

async function isOurs(pid: number, directory: string): Promise<boolean> {
  try {
    if (process.platform === "linux") return (await readFile(`/proc/${pid}/cmdline`, "utf8")).includes(directory);
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
