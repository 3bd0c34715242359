import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { userCache } from "../user-cache.ts";

const run = promisify(execFile);

/** The last that builds from its Go module alone. */
export const consulVersion = "1.20.1";
const buildTimeoutMs = 30 * 60_000;

/** The agent's binary: what PLINTH_CONSUL names, else the one in the user's cache folder, for all clones. */
export function consulBinary(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return environment["PLINTH_CONSUL"] || userCache(environment, "plinth-servers", `consul-${consulVersion}`, "consul");
}

/** Why Consul cannot run on this machine, with what to do about it. Undefined when it can. */
export const consulProblem = (binary = consulBinary()): string | undefined =>
  existsSync(binary)
    ? undefined
    : "Consul is not built: run tools/install-servers.sh (it needs Go), or name an agent's binary in PLINTH_CONSUL";

/** Builds the agent from its Go module unless it is there: about 5 minutes on two free cores, 130 MB. Returns the binary. */
export async function installConsul(binary = consulBinary()): Promise<string> {
  if (existsSync(binary)) return binary;
  await mkdir(path.dirname(binary), { recursive: true });
  const partial = `${binary}.${process.pid}`;
  const args = [
    "build",
    "-mod=readonly",
    "-trimpath",
    "-ldflags",
    "-s -w",
    "-o",
    partial,
    "github.com/hashicorp/consul",
  ];
  await run("go", args, {
    cwd: path.join(import.meta.dirname, "module"),
    env: { ...process.env, CGO_ENABLED: "0" },
    timeout: buildTimeoutMs,
    maxBuffer: 16 << 20,
  });
  await rename(partial, binary);
  return binary;
}
