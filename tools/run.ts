import { spawn } from "node:child_process";
import path from "node:path";

export const root: string = path.resolve(import.meta.dirname, "..");

/** Runs a command in the repository's root with its output shown; throws when it does not exit with 0. */
export async function run(command: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const code = await exitCode(command, args, env);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} exited with ${code}`);
}

export function exitCode(command: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit", env });
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(code ?? (signal ? 128 : 1)));
  });
}
