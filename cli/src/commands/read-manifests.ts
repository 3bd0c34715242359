import { readFile } from "node:fs/promises";
import path from "node:path";
import { type ParsedManifests, parseManifests } from "@plinth/platform";
import { manifestFile } from "../local/find-manifests.ts";

/** Reads manifests from files, folders with a platformservice.yaml, or "-" for standard input. */
export async function readManifests(files: readonly string[]): Promise<ParsedManifests> {
  const all: ParsedManifests = { services: [], problems: [] };
  for (const file of files) {
    const { services, problems } = await readOne(file);
    all.services.push(...services);
    all.problems.push(...problems);
  }
  return all;
}

async function readOne(argument: string): Promise<ParsedManifests> {
  if (argument === "-") return parseManifests(await standardInput(), "(standard input)");
  const file = manifestFile(argument, process.cwd());
  const shown = path.relative(process.cwd(), file) || file;
  try {
    return parseManifests(await readFile(file, "utf8"), shown);
  } catch (err) {
    const missing = (err as NodeJS.ErrnoException).code === "ENOENT";
    const message = missing ? "there is no such file" : (err as Error).message;
    return { services: [], problems: [{ file: shown, line: 0, column: 0, path: "", message }] };
  }
}

async function standardInput(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk as string;
  return text;
}
