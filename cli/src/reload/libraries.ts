import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { type BuildOptions, build, version as esbuildVersion } from "esbuild";
import { bundleSettings, inputsOf } from "../local/bundle.ts";
import { isFresh, recipeOf, recordInputs } from "../local/bundle-freshness.ts";
import { nativeAddonsStayOutside, packageFolder } from "../local/native-addons.ts";
import { replaceFile } from "../local/replace-file.ts";
import { unusedExportersStayOutside } from "../local/unused-exporters.ts";
import type { Library } from "./library-shims.ts";

/** Libraries that were bundled together, so that what two of them share is there once in a process. */
export interface LibrarySet {
  folder: string;
  /** By the path of the file that our code imports. */
  libraries: ReadonlyMap<string, Library>;
}

/** Bundles of libraries, apart from the code that uses them: they are made once and serve every service. */
export interface Libraries {
  /** True while the packages that a set was made of are installed as they were. */
  isFresh(set: LibrarySet): Promise<boolean>;
  /** Of the sets that fit what is installed. */
  newest(): Promise<LibrarySet | undefined>;
  /** A set that has at least these files; made anew when the newest has not. Throws what esbuild throws. */
  covering(files: Iterable<string>): Promise<LibrarySet>;
}

const settings = {
  ...bundleSettings,
  // The folder may lie in any package or none.
  outExtension: { ".js": ".mjs" },
  entryNames: "[name]-[hash]",
} satisfies BuildOptions;

const recipe = recipeOf([settings, esbuildVersion]);

/** The file of a set that is written last. */
const listOf = (folder: string): string => path.join(folder, "libraries.json");

/** Keeps sets in `home`. What earlier runs left there and no longer fits is removed: nothing may run on it. */
export function createLibraries(home: string): Libraries {
  let newest: LibrarySet | undefined;
  let turn: Promise<unknown> | undefined;

  /** One after the other, and the first opens the folder. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    turn ??= open();
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  }

  async function open(): Promise<void> {
    const folders = (await readdir(home).catch(() => [])).map((name) => path.join(home, name));
    for (const folder of folders) {
      const set = (await isFresh(folder, recipe)) ? await read(folder).catch(() => undefined) : undefined;
      if (set && set.libraries.size > (newest?.libraries.size ?? -1)) newest = set;
    }
    for (const folder of folders) if (folder !== newest?.folder) await rm(folder, { recursive: true, force: true });
  }

  const freshest = async () => (newest && (await isFresh(newest.folder, recipe)) ? newest : undefined);

  async function cover(files: readonly string[]): Promise<LibrarySet> {
    const fresh = await freshest();
    if (fresh && files.every((file) => fresh.libraries.has(file))) return fresh;
    // What others need stays in, so that the sets do not take turns.
    const others = [...(newest?.libraries.keys() ?? [])].filter((file) => existsSync(file));
    newest = await make(home, [...others, ...files]).catch(() => make(home, files));
    return newest;
  }

  return {
    isFresh: ({ folder }) => isFresh(folder, recipe),
    newest: () => inTurn(freshest),
    covering: (files) => inTurn(() => cover([...files])),
  };
}

async function make(home: string, files: readonly string[]): Promise<LibrarySet> {
  const beganMs = systemClock.now();
  await mkdir(home, { recursive: true, mode: 0o700 });
  // A new folder each time: processes may still ask the sets before for what they load on demand.
  const folder = await mkdtemp(path.join(home, "set-"));
  try {
    const { metafile } = await build({
      ...settings,
      entryPoints: [...new Set(files)].sort(),
      outdir: folder,
      outbase: folder,
      absWorkingDir: folder,
      plugins: [nativeAddonsStayOutside("path"), unusedExportersStayOutside()],
      metafile: true,
    });
    const libraries = new Map<string, Library>();
    for (const [output, { entryPoint, exports }] of Object.entries(metafile.outputs)) {
      if (entryPoint === undefined) continue;
      const names = metafile.inputs[entryPoint]?.format === "cjs" ? undefined : exports;
      libraries.set(path.resolve(folder, entryPoint), { file: path.resolve(folder, output), names });
    }
    const inputs = inputsOf(metafile, folder);
    const own = inputs.find((file) => packageFolder(file) === undefined);
    if (own) throw new Error(`a library imports ${own}, which a service may have as well`);
    const packages = new Set(inputs.map((file) => path.join(packageFolder(file) ?? "", "package.json")));
    await recordInputs(folder, recipe, [...packages], beganMs);
    await replaceFile(listOf(folder), JSON.stringify([...libraries]));
    return { folder, libraries };
  } catch (err) {
    await rm(folder, { recursive: true, force: true });
    throw err;
  }
}

async function read(folder: string): Promise<LibrarySet> {
  return { folder, libraries: new Map(JSON.parse(await readFile(listOf(folder), "utf8")) as [string, Library][]) };
}
