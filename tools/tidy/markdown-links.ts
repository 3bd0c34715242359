import { existsSync } from "node:fs";
import path from "node:path";
import { root } from "../run.ts";
import { readRepositoryFile } from "./repository-files.ts";

/** Links of a Markdown file to files and headings of this repository that are not there: "file: link". */
export function deadLinks(file: string): string[] {
  const text = readRepositoryFile(file).replace(/^```[\s\S]*?^```/gm, "");
  const links = [...text.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g), ...text.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)];
  return links
    .map((match) => match[1] as string)
    .filter((link) => !/^[a-z][a-z0-9+.-]*:/i.test(link) && !isAlive(file, link))
    .map((link) => `${file}: ${link}`);
}

function isAlive(file: string, link: string): boolean {
  const [target = "", heading] = decodeURIComponent(link).split("#", 2);
  const absolute = target === "" ? path.join(root, file) : path.resolve(root, path.dirname(file), target);
  if (!existsSync(absolute)) return false;
  if (heading === undefined || !absolute.endsWith(".md")) return true;
  return headings(path.relative(root, absolute)).has(heading);
}

/** Anchors of a file's headings, as GitHub makes them. */
function headings(file: string): Set<string> {
  const text = readRepositoryFile(file).replace(/^```[\s\S]*?^```/gm, "");
  const anchors = new Set<string>();
  for (const [, title = ""] of text.matchAll(/^#{1,6}\s+(.+)$/gm)) {
    const plain = title.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = plain
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-");
    let unique = anchor;
    for (let n = 1; anchors.has(unique); n++) unique = `${anchor}-${n}`;
    anchors.add(unique);
  }
  return anchors;
}
