import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { run } from "./program.ts";

/**
 * The chart as it was before its last change on the main line of this clone's history, in a folder of its own. Images are of now:
 * a change that makes them need more than the chart before gave them has to come with another one, or with an upgrade path.
 */
export async function previousChart(): Promise<string> {
  const commits = (await run("git", ["log", "--first-parent", "--format=%H", "-n", "2", "--", "charts/plinth"]))
    .trim()
    .split("\n");
  const commit = commits.at(-1) ?? "HEAD";
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-chart-"));
  const archive = path.join(folder, "chart.tar");
  await run("git", ["archive", "--output", archive, commit, "charts/plinth"]);
  await run("tar", ["-x", "-f", archive, "-C", folder]);
  return path.join(folder, "charts/plinth");
}
