import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { userCache } from "../user-cache.ts";

const run = promisify(execFile);

/** The last that builds with Go 1.24. */
export const composeVersion = "2.40.3";
const buildTimeoutMs = 30 * 60_000;

/** Docker Compose: what PLINTH_COMPOSE names, else the one in the user's cache folder, for all clones. */
export function composeBinary(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return (
    environment["PLINTH_COMPOSE"] ||
    userCache(environment, "plinth-servers", `docker-compose-${composeVersion}`, "docker-compose")
  );
}

/** Why Docker Compose cannot run on this machine, with what to do about it. Undefined when it can. */
export const composeProblem = (binary = composeBinary()): string | undefined =>
  existsSync(binary)
    ? undefined
    : "Docker Compose is not built: run tools/install-servers.sh (it needs Go), or name a docker-compose binary in PLINTH_COMPOSE";

/** Builds Compose from its Go module unless it is there: about 2 minutes on two free cores. Returns the binary. */
export async function installCompose(binary = composeBinary()): Promise<string> {
  if (existsSync(binary)) return binary;
  await mkdir(path.dirname(binary), { recursive: true });
  const partial = `${binary}.${process.pid}`;
  const version = `-X github.com/docker/compose/v2/internal.Version=v${composeVersion}`;
  const program = "github.com/docker/compose/v2/cmd";
  await run("go", ["build", "-mod=readonly", "-trimpath", "-ldflags", `-s -w ${version}`, "-o", partial, program], {
    cwd: path.join(import.meta.dirname, "module"),
    env: { ...process.env, CGO_ENABLED: "0" },
    timeout: buildTimeoutMs,
    maxBuffer: 16 << 20,
  });
  await rename(partial, binary);
  return binary;
}
