import { createHash } from "node:crypto";
import { readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { replaceFile } from "./replace-file.ts";

/** What a bundle was made of: enough to tell that making it again would change nothing. */
interface Record {
  /** Whatever else decides the result: options, tools, entry points. */
  recipe: string;
  /** Size and time of change of every input, by its path from the service's folder. */
  inputs: { [file: string]: string };
}

const recordOf = (outdir: string): string => path.join(outdir, "inputs.json");

export const recipeOf = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");

/** True when the bundle in `outdir` was made by the same recipe from the same files. */
export async function isFresh(outdir: string, recipe: string): Promise<boolean> {
  try {
    const record = JSON.parse(await readFile(recordOf(outdir), "utf8")) as Record;
    if (record.recipe !== recipe) return false;
    const same = await Promise.all(
      Object.entries(record.inputs).map(async ([file, stamp]) => (await stampOf(path.resolve(outdir, file))) === stamp),
    );
    return same.every(Boolean);
  } catch {
    // Never built, or a file is gone.
    return false;
  }
}

/**
 * Notes the inputs of a bundle whose making began at `beganMs` (milliseconds since 1970). An input that changed since
 * then may have been read before or after its change: then nothing is noted, and the next run builds again.
 */
export async function recordInputs(
  outdir: string,
  recipe: string,
  files: readonly string[],
  beganMs: number,
): Promise<void> {
  const changes = await Promise.all(files.map(async (file) => (await stat(file)).mtimeMs));
  if (changes.some((changedMs) => changedMs >= beganMs)) return forgetInputs(outdir);
  const inputs = await Promise.all(
    files.map(async (file) => [path.relative(outdir, file), await stampOf(file)] as const),
  );
  // As a whole, because others who use the same folder may look at it.
  await replaceFile(
    recordOf(outdir),
    JSON.stringify({ recipe, inputs: Object.fromEntries(inputs) } satisfies Record),
    0o644,
  );
}

/** The bundle in `outdir` is not what its record says any more. */
export const forgetInputs = (outdir: string): Promise<void> => rm(recordOf(outdir), { force: true });

async function stampOf(file: string): Promise<string> {
  const { size, mtimeMs } = await stat(file);
  return `${size}:${mtimeMs}`;
}
