import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { buildGoProgram, userCache } from "@plinth/local-servers";
import { root } from "../run.ts";

const run = promisify(execFile);
const folder = path.join(import.meta.dirname, "starlark");

/** A call of a function of Tilt's API, with its arguments by name. */
export interface TiltCall {
  function: string;
  arguments: Record<string, unknown>;
}

/** Why a Tiltfile cannot be run on this machine; undefined when it can. */
export function starlarkProblem(): string | undefined {
  if (existsSync(binary())) return undefined;
  try {
    execFileSync("go", ["version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "Go is not installed, which builds the interpreter";
  }
}

/** Runs a Tiltfile against api.json, in place of Tilt, and returns what it asked for. Throws with Starlark's backtrace. */
export async function evaluate(tiltfile: string): Promise<TiltCall[]> {
  const starlark = await buildGoProgram(binary(), { module: folder, program: "." });
  const api = path.join(import.meta.dirname, "api.json");
  try {
    const { stdout } = await run(starlark, [api, tiltfile], { cwd: root, maxBuffer: 1 << 24 });
    return JSON.parse(stdout) as TiltCall[];
  } catch (err) {
    throw new Error((err as { stderr?: string }).stderr?.trim() || (err as Error).message, { cause: err });
  }
}

/** In the user's cache, for all clones, under a name that stands for its source. */
function binary(): string {
  const hash = createHash("sha256");
  for (const file of ["main.go", "go.mod", "go.sum"]) hash.update(readFileSync(path.join(folder, file)));
  return userCache(process.env, "plinth-servers", `starlark-${hash.digest("hex").slice(0, 12)}`, "starlark");
}
