import { realpath, rm } from "node:fs/promises";
import path from "node:path";
import { type LocalPaths, ownedEntries } from "./local-paths.ts";
import { stopStaleServer } from "./stale-server.ts";

/** Removes all data, logs and secrets of a platform that does not run; what else lies in its folder stays. */
export async function resetHome(paths: LocalPaths): Promise<void> {
  // The data may lie elsewhere, behind a link: see makeReachable.
  const data = await realpath(paths.postgresData).catch(() => undefined);
  if (data !== undefined) {
    await stopStaleServer(data);
    await rm(data, { recursive: true, force: true });
  }
  for (const entry of ownedEntries) await rm(path.join(paths.home, entry), { recursive: true, force: true });
}
