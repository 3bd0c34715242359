import { formatManifest, formatProblem } from "@plinth/platform";
import { renderCompose } from "../compose/render-compose.ts";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { manifestFile } from "../local/find-manifests.ts";
import { repository } from "../repository.ts";
import type { Terminal } from "../terminal.ts";
import { readManifests } from "./read-manifests.ts";

export interface RenderOptions {
  file: string[];
  output: "yaml" | "json";
  /** A Compose file in place of the manifests. */
  compose: boolean;
}

/** Prints manifests with every default filled in, or what Docker Compose makes of them and Plinth's own services. */
export async function render(options: RenderOptions, terminal: Terminal): Promise<number> {
  if (options.compose) {
    const files = options.file.map((file) => manifestFile(file, process.cwd()));
    terminal.line((await renderCompose(repository, files)).trimEnd());
    return exitCodes.ok;
  }
  if (options.file.length === 0)
    throw new CommandFailure("name manifests with --file, or ask for a Compose file with --compose", exitCodes.usage);
  const { services, problems } = await readManifests(options.file);
  for (const problem of problems) terminal.note(formatProblem(problem));
  if (problems.length > 0) return exitCodes.failed;
  if (options.output === "json") terminal.line(JSON.stringify(services, null, 2));
  else terminal.line(services.map(formatManifest).join("---\n").trimEnd());
  return exitCodes.ok;
}
