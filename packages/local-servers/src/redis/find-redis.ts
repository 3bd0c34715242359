import { accessSync, constants } from "node:fs";
import path from "node:path";

/** Redis and its fork Valkey speak one protocol and read one configuration. */
const programs = ["redis-server", "valkey-server"];

/**
 * The server's binary: what PLINTH_REDIS_SERVER names, or the first of the programs on PATH. Throws with what to install.
 */
export function findRedis(environment: Readonly<Record<string, string | undefined>>): string {
  const named = environment["PLINTH_REDIS_SERVER"];
  if (named) {
    if (isExecutable(named)) return named;
    throw new Error(`PLINTH_REDIS_SERVER names ${named}, which is no program that can be run: correct or unset it`);
  }
  const folders = (environment["PATH"] ?? "").split(path.delimiter).filter(Boolean);
  const found = programs.flatMap((program) => folders.map((folder) => path.join(folder, program))).find(isExecutable);
  if (found) return found;
  throw new Error(
    "no redis-server or valkey-server on PATH: install one (Debian and Ubuntu: apt-get install redis-server, macOS: brew install redis) or name its binary in PLINTH_REDIS_SERVER",
  );
}

/** Why Redis cannot run here, with what to do about it. Undefined when it can. */
export function redisProblem(environment: Parameters<typeof findRedis>[0]): string | undefined {
  try {
    findRedis(environment);
    return undefined;
  } catch (err) {
    return (err as Error).message;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
