import { readdir } from "node:fs/promises";
import path from "node:path";

// Of a service's own folders and of the API's; a folder tree with more is no source code.
const foldersMax = 1_000;
const depthMax = 12;

/** The folder and all below it, without installed packages and hidden ones; none when it is not there. */
export async function foldersBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  let level = [folder];
  for (let depth = 0; level.length > 0 && depth < depthMax; depth++) {
    const next: string[] = [];
    for (const one of level) {
      const entries = await readdir(one, { withFileTypes: true }).catch(() => undefined);
      if (!entries || found.length >= foldersMax) continue;
      found.push(one);
      for (const entry of entries) {
        const skipped = entry.name === "node_modules" || entry.name.startsWith(".");
        if (entry.isDirectory() && !skipped) next.push(path.join(one, entry.name));
      }
    }
    level = next;
  }
  return found;
}
