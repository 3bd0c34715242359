import { formatManifest, formatProblem } from "@plinth/platform";
import { exitCodes } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { readManifests } from "./read-manifests.ts";

/** Prints manifests with every default filled in. */
export async function render(options: { file: string[] }, terminal: Terminal): Promise<number> {
  const { services, problems } = await readManifests(options.file);
  for (const problem of problems) terminal.note(formatProblem(problem));
  if (problems.length > 0) return exitCodes.failed;
  terminal.line(services.map(formatManifest).join("---\n").trimEnd());
  return exitCodes.ok;
}
