import { existsSync } from "node:fs";
import path from "node:path";
import { buildGoProgram } from "../build-go-program.ts";
import { userCache } from "../user-cache.ts";

/** The last that builds from its Go module alone. */
export const consulVersion = "1.20.1";

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
export const installConsul = (binary = consulBinary()): Promise<string> =>
  buildGoProgram(binary, {
    module: path.join(import.meta.dirname, "module"),
    program: "github.com/hashicorp/consul",
    ldflags: "-s -w",
  });
