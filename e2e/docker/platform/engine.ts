import path from "node:path";
import { root } from "../../../tools/run.ts";
import { attempt, type ProgramOptions, run } from "../../platform/program.ts";

/** A script of e2e/docker. */
export const script = (name: string): string => path.join(root, "e2e/docker", name);

/** Why there can be no engine here; undefined when there can. */
export function whyNoEngine(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "the images are made for Linux on x86-64";
  if (process.getuid?.() !== 0) return "a Docker engine of our own needs root";
  return undefined;
}

/** Whether up.sh was run before. */
export const engineIsUp = async (): Promise<boolean> =>
  (await attempt(script("enter.sh"), ["docker", "version"])).code === 0;

/** The output of a command of Docker's client. */
export const docker = (...args: string[]): Promise<string> => run("docker", args, { timeoutMs: 600_000 });

/** The output of `docker compose ...` on the compose.yaml of this clone. */
export const compose = (...args: string[]): Promise<string> => docker("compose", "--ansi", "never", ...args);

/** A line of a shell, as somebody would type it in this clone. */
export const shell = (line: string, options?: ProgramOptions): Promise<string> =>
  run("bash", ["-c", line], { timeoutMs: 1_200_000, ...options });
