import { mkdir, utimes, writeFile } from "node:fs/promises";
import path from "node:path";

/** Files below a folder, each written a second ago: one of the millisecond in which a bundle is begun is not trusted to be in it. */
export async function writeSources(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
    const before = new Date(Date.now() - 1_000);
    await utimes(file, before, before);
  }
}
