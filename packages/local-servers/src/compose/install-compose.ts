import { existsSync } from "node:fs";
import path from "node:path";
import { buildGoProgram } from "../build-go-program.ts";
import { userCache } from "../user-cache.ts";

/** The last that builds with Go 1.24. */
export const composeVersion = "2.40.3";

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
export const installCompose = (binary = composeBinary()): Promise<string> =>
  buildGoProgram(binary, {
    module: path.join(import.meta.dirname, "module"),
    program: "github.com/docker/compose/v2/cmd",
    ldflags: `-s -w -X github.com/docker/compose/v2/internal.Version=v${composeVersion}`,
  });
