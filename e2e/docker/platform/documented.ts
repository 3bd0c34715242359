import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../../../tools/run.ts";

/** The commands of the first block for a shell below a heading of a page, without comments. */
export function documentedCommands(page: string, heading: string): string[] {
  const text = readFileSync(path.join(root, page), "utf8");
  const [, below] = text.split(`\n## ${heading}\n`);
  const block = /```sh\n(.*?)```/s.exec(below ?? "")?.[1];
  if (block === undefined) throw new Error(`${page} has no block of commands below "${heading}"`);
  return block
    .split("\n")
    .map((line) => line.replace(/(^|\s)#.*/, "").trim())
    .filter((line) => line !== "");
}
