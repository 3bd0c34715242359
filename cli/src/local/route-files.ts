import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { formatManifest } from "@plinth/platform";
import type { LocalService } from "./local-service.ts";
import { replaceFile } from "./replace-file.ts";

/** Removes what an earlier run left. */
export async function clearRoutes(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(directory)) await rm(path.join(directory, name), { force: true });
}

/** Writes manifests where the gateway reads them; it sees changes by itself. */
export async function writeRoutes(directory: string, services: readonly LocalService[]): Promise<void> {
  for (const { name, manifest } of services) {
    await replaceFile(path.join(directory, `${name}.yaml`), formatManifest(manifest));
  }
}
