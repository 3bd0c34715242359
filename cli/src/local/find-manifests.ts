import { glob, readFile } from "node:fs/promises";
import path from "node:path";
import { formatProblem, parseManifests } from "@plinth/platform";
import { conflicts } from "./conflicts.ts";
import type { LocalService } from "./local-service.ts";

/** Manifests that cannot be used; `problems` are lines for a person. */
export class ManifestError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ManifestError";
    this.problems = problems;
  }
}

export const manifestName = "platformservice.yaml";

/** The manifests of Plinth's own services. */
export async function coreManifests(repository: string): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob(`services/*/${manifestName}`, { cwd: repository }))
    files.push(path.join(repository, file));
  return files.sort();
}

/** A file as it is; for a folder the manifest in it. */
export function manifestFile(argument: string, cwd: string): string {
  const file = path.resolve(cwd, argument);
  return /[.](ya?ml|json)$/.test(file) ? file : path.join(file, manifestName);
}

/** Reads all files; throws one ManifestError that tells everything wrong in all of them. */
export async function loadServices(files: readonly { file: string; core: boolean }[]): Promise<LocalService[]> {
  const services: LocalService[] = [];
  const problems: string[] = [];
  for (const { file, core } of files) {
    const shown = path.relative(process.cwd(), file) || file;
    const text = await readFile(file, "utf8").catch((err: NodeJS.ErrnoException) => {
      problems.push(`${shown}: ${err.code === "ENOENT" ? "there is no such file" : err.message}`);
      return undefined;
    });
    if (text === undefined) continue;
    const parsed = parseManifests(text, shown);
    problems.push(...parsed.problems.map(formatProblem));
    for (const manifest of parsed.services) {
      services.push({ name: manifest.metadata.name, manifest, file, folder: path.dirname(file), core });
    }
  }
  problems.push(...conflicts(services));
  if (problems.length > 0) throw new ManifestError(problems);
  return services;
}
