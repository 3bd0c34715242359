import { spawn } from "node:child_process";
import path from "node:path";
import { cacheFolder } from "../../tools/images/cache-folder.ts";
import { root } from "../../tools/run.ts";

export interface ProgramOptions {
  /** Standard input. */
  input?: string;
  env?: Record<string, string>;
  /** Default 5 min: more than what a program is told to wait. */
  timeoutMs?: number;
  /** Shows the output while it comes as well. */
  show?: boolean;
}

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

const defaultTimeoutMs = 300_000;

/** Programs that e2e/cluster/build.sh makes go before those of the system. */
const searchPath = (): string => `${cacheFolder("bin")}${path.delimiter}${process.env["PATH"] ?? ""}`;

/** Runs a program in the repository's root to its end. Throws when it cannot be started or takes too long. */
export function attempt(name: string, args: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
  const { input, env, timeoutMs = defaultTimeoutMs, show = false } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, { cwd: root, env: { ...process.env, PATH: searchPath(), ...env } });
    let stdout = "";
    let stderr = "";
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (show) process.stdout.write(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
      if (show) process.stderr.write(chunk);
    });
    child.once("error", (err) => {
      clearTimeout(timer);
      reject(new Error(`${name} cannot be run: ${err.message}`));
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      if (late)
        reject(new Error(`${name} ${args.join(" ")} took longer than ${timeoutMs / 1000} s: ${stderr || stdout}`));
      else resolve({ code: code ?? 128, stdout, stderr });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input ?? "");
  });
}

/** The same; throws with what it said when it fails, and returns its output. */
export async function run(name: string, args: readonly string[], options?: ProgramOptions): Promise<string> {
  const { code, stdout, stderr } = await attempt(name, args, options);
  if (code !== 0) throw new Error(`${name} ${args.join(" ")} exited with ${code}: ${(stderr || stdout).trim()}`);
  return stdout;
}
