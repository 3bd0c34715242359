import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

export interface GoProgram {
  /** Folder of the Go module with the versions of everything. */
  module: string;
  /** Package of the program, as the module names it. */
  program: string;
  /** Of the linker, space-separated. */
  ldflags?: string;
}

const run = promisify(execFile);
const buildTimeoutMs = 30 * 60_000;

/** Builds a program from Go modules unless it is there; beside and renamed, because others may be doing the same. Returns it. */
export async function buildGoProgram(binary: string, { module, program, ldflags }: GoProgram): Promise<string> {
  if (existsSync(binary)) return binary;
  await mkdir(path.dirname(binary), { recursive: true });
  const partial = `${binary}.${process.pid}`;
  const flags = ldflags === undefined ? [] : ["-ldflags", ldflags];
  await run("go", ["build", "-mod=readonly", "-trimpath", ...flags, "-o", partial, program], {
    cwd: module,
    env: { ...process.env, CGO_ENABLED: "0" },
    timeout: buildTimeoutMs,
    maxBuffer: 16 << 20,
  });
  await rename(partial, binary);
  return binary;
}
