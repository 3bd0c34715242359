import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { WrittenSpan } from "@plinth/kernel";

/** Where an instance writes its spans: one name for it and its successors, so that restarts do not add files. */
export const spanFileOf = (folder: string, service: string, index: number): string =>
  path.join(folder, `${service}-${index}.jsonl`);

/**
 * Spans in the files of a folder, those before the last change of file included. `like`: only lines that have this text
 * are looked at, which saves reading megabytes of JSON for one trace.
 */
export async function readSpans(folder: string, like: string): Promise<WrittenSpan[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.jsonl(\.1)?$/.test(name));
  const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), "utf8").catch(() => "")));
  return texts.flatMap((text) =>
    text.split("\n").flatMap((line) => (line !== "" && line.includes(like) ? (parse(line) ?? []) : [])),
  );
}

/** Undefined for a line that is being written, or was cut when its process was killed. */
function parse(line: string): WrittenSpan | undefined {
  try {
    return JSON.parse(line) as WrittenSpan;
  } catch {
    return undefined;
  }
}
