import { createHash } from "node:crypto";
import { glob, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import type { OutputFile } from "esbuild";
import { replaceFile } from "./replace-file.ts";

/**
 * Writes what esbuild made so that a process that starts meanwhile finds the old bundle or the new one: chunks, whose
 * names tell their content, come first, and the files that name them last, each replaced as a whole. Returns the names,
 * relative to `outdir`.
 */
export async function writeBundle(outdir: string, files: readonly OutputFile[]): Promise<string[]> {
  const isChunk = ({ path: file }: OutputFile) => path.dirname(file) !== outdir;
  for (const file of [...files.filter(isChunk), ...files.filter((file) => !isChunk(file))]) {
    await mkdir(path.dirname(file.path), { recursive: true });
    await replaceFile(file.path, file.contents, 0o644);
  }
  return files.map((file) => path.relative(outdir, file.path));
}

/** Removes chunks of earlier builds. */
export async function removeLeftovers(outdir: string, outputs: readonly string[]): Promise<void> {
  for await (const file of glob("chunks/*", { cwd: outdir }))
    if (!outputs.includes(file)) await rm(path.join(outdir, file), { force: true });
}

/** Tells the code of two bundles for `outdir` apart: entry points name their chunks, and chunks are named by their content. */
export function outputHash(outdir: string, files: readonly Pick<OutputFile, "path" | "contents">[]): string {
  const hash = createHash("sha256");
  const entries = files.filter(({ path: file }) => path.dirname(file) === outdir && file.endsWith(".js"));
  for (const { path: file, contents } of entries.toSorted((a, b) => (a.path < b.path ? -1 : 1)))
    hash.update(`${path.basename(file)}\0`).update(contents);
  return hash.digest("hex");
}
