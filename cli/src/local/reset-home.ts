import { realpath, rm } from "node:fs/promises";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { endLeftServer } from "@plinth/local-servers";
import { companions } from "./companions/registry.ts";
import { type LocalPaths, ownedEntries } from "./local-paths.ts";
import { stopStaleServer } from "./stale-server.ts";

const companionStopTimeoutMs = 10_000;

/** Removes all data, logs and secrets of a platform that does not run; what else lies in its folder stays. */
export async function resetHome(paths: LocalPaths): Promise<void> {
  // The data may lie elsewhere, behind a link: see makeReachable.
  const data = await realpath(paths.postgresData).catch(() => undefined);
  if (data !== undefined) {
    await stopStaleServer(data);
    await rm(data, { recursive: true, force: true });
  }
  for (const name of companions.keys()) {
    await endLeftServer({
      directory: path.join(paths.home, name),
      stopTimeoutMs: companionStopTimeoutMs,
      clock: systemClock,
    });
  }
  for (const entry of ownedEntries) await rm(path.join(paths.home, entry), { recursive: true, force: true });
}
