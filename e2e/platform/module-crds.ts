import { globSync } from "node:fs";
import path from "node:path";
import { run } from "./program.ts";

/** Installs CRDs that a Go module holds as files, and waits until the API server serves them. */
export async function installModuleCrds(module: string, files: string | string[]): Promise<void> {
  const { Dir: folder } = JSON.parse(await run("go", ["mod", "download", "-json", module])) as { Dir: string };
  const found = globSync(files, { cwd: folder }).map((file) => path.join(folder, file));
  if (found.length === 0) throw new Error(`${module} has no ${files}`);
  const flags = found.flatMap((file) => ["-f", file]);
  await run("kubectl", ["apply", "--server-side", "--force-conflicts", ...flags]);
  await run("kubectl", ["wait", "--for=condition=Established", "--timeout=180s", ...flags]);
}
