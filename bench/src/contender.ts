import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";

export interface Contender {
  pid: number;
  stop(): Promise<void>;
}

export interface ContenderOptions {
  command: string;
  args: string[];
  /** Ready when this port accepts. */
  port: number;
  /** The core it runs on, so that the load has the other one. */
  core?: number;
  env?: Record<string, string>;
}

const startTimeoutMs = 20_000;

/** Starts a program and waits until its port accepts connections. Throws with its output when it does not. */
export async function startContender({ command, args, port, core, env }: ContenderOptions): Promise<Contender> {
  const pinned = core === undefined ? [command, ...args] : ["taskset", "-c", String(core), command, ...args];
  const child = spawn(pinned[0] as string, pinned.slice(1), {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-2_000);
  });
  const deadline = performance.now() + startTimeoutMs;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error(`${command} did not start:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { pid: child.pid as number, stop: () => ended(child) };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    const hard = setTimeout(() => child.kill("SIGKILL"), 5_000);
    child.once("exit", () => {
      clearTimeout(hard);
      resolve();
    });
    child.kill("SIGTERM");
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    }).once("error", () => resolve(false));
  });
}
