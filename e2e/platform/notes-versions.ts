import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { cacheFolder } from "../../tools/images/cache-folder.ts";
import { findEngine } from "../../tools/images/engine.ts";
import { root } from "../../tools/run.ts";
import { run } from "./program.ts";

/** Further versions of examples/notes: the same program with one more migration. */
export const notesVersions = {
  next: {
    image: "plinth/notes:e2e-next",
    file: "0002_add_pinned.sql",
    sql: "ALTER TABLE note ADD COLUMN pinned boolean NOT NULL DEFAULT false;\n",
  },
  broken: {
    image: "plinth/notes:e2e-broken",
    file: "0003_add_color.sql",
    sql: "ALTER TABLE no_such_table ADD COLUMN color text;\n",
  },
  fixed: {
    image: "plinth/notes:e2e-fixed",
    file: "0003_add_color.sql",
    sql: "ALTER TABLE note ADD COLUMN color text;\n",
  },
} as const;

/** Builds them from the image's own content and brings them onto the nodes. */
export async function provideNotesVersions(): Promise<void> {
  const engine = await findEngine();
  if (!engine) throw new Error("buildah is missing: e2e/cluster/install-packages.sh installs it");
  const layout = cacheFolder("img/notes-versions");
  await rm(layout, { recursive: true, force: true });
  await mkdir(layout, { recursive: true });
  const { next, broken, fixed } = notesVersions;
  for (const [version, files] of [
    [next, [next]],
    [broken, [next, broken]],
    [fixed, [next, fixed]],
  ] as const) {
    const name = path.basename(version.image.replace(":", "-"));
    const folder = path.join(root, "dist/images", name);
    await rm(folder, { recursive: true, force: true });
    await cp(path.join(root, "dist/images/notes"), folder, { recursive: true });
    for (const { file, sql } of files) await writeFile(path.join(folder, "migrations", file), sql);
    const full = `docker.io/${version.image}`;
    await engine.build({ program: name, nodeImage: "localhost/plinth-node:26", names: [full] });
    await engine.export([full], layout);
  }
  await run(path.join(root, "e2e/cluster/import-images.sh"), [layout]);
}
