import { readFile } from "node:fs/promises";

/** The end of a log, indented, for an error that a person reads; empty when there is none. */
export async function lastLines(file: string, count: number): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  const lines = text.trimEnd().split("\n").slice(-count);
  return lines.map((line) => `  ${line}`).join("\n");
}
