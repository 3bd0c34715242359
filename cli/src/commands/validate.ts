import { formatProblem } from "@plinth/platform";
import { exitCodes } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { readManifests } from "./read-manifests.ts";

/** Says whether manifests are valid, and everything wrong with those that are not. */
export async function validate(options: { file: string[] }, terminal: Terminal): Promise<number> {
  const { services, problems } = await readManifests(options.file);
  for (const problem of problems) terminal.line(formatProblem(problem));
  if (problems.length > 0) return exitCodes.failed;
  terminal.line(`valid: ${services.map(({ metadata }) => metadata.name).join(", ")}`);
  return exitCodes.ok;
}
