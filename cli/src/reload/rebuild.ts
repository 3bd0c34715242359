import { systemClock } from "@plinth/kernel";
import { build, type Metafile, type OutputFile } from "esbuild";
import {
  bundleFolder,
  bundleService,
  bundleSettings,
  entryPoint,
  entryPointsOf,
  inputsOf,
  isBundled,
  noteBundle,
  outsideOf,
  sourcesOf,
  tidyBundle,
  Unbuildable,
} from "../local/bundle.ts";
import { forgetInputs, isFresh, recipeOf, recordInputs } from "../local/bundle-freshness.ts";
import { outputHash, writeBundle } from "../local/bundle-output.ts";
import { nativeAddonsStayOutside, packageFolder } from "../local/native-addons.ts";
import { unusedExportersStayOutside } from "../local/unused-exporters.ts";
import type { Libraries, LibrarySet } from "./libraries.ts";
import { librariesStayApart } from "./library-shims.ts";

/** A service as it would run with the sources that are there now. */
export interface Rebuilt {
  /** The same for the same code; undefined where it was bundled in another way, so that it compares with nothing. */
  hash: string | undefined;
  /** The files of ours, absolute, that it is made of. */
  files: string[];
  /** True when the bundle that lay there before was made of the same sources, in this way or as a whole. */
  isThere(): Promise<boolean>;
  /** Puts it in the place of the bundle. */
  write(): Promise<void>;
}

export interface Rebuild {
  /**
   * Bundles services again, each by its folder: their own code only, which takes a tenth of the time, beside libraries
   * that are bundled once for all of them. Writes nothing. An error tells what a person did wrong.
   */
  rebuild(folders: readonly string[]): Promise<(Rebuilt | Error)[]>;
  /** The same for services that are to be started: what has not changed is kept, and without libraries all is bundled. */
  bundle(folders: readonly string[], inUse: boolean): Promise<void>;
}

interface Built {
  set: LibrarySet;
  entryPoints: Record<string, string>;
  beganMs: number;
  metafile: Metafile;
  outputFiles: OutputFile[];
}

const nothing: LibrarySet = { folder: "", libraries: new Map() };

export function createRebuild(libraries: Libraries): Rebuild {
  /** What each service was built with last: it keeps that set while it can, or the same code would look like another. */
  const sets = new Map<string, LibrarySet>();
  /** Names of packages with native code. Asking of each import whether it is one takes longer than all else. */
  const natives = new Set<string>();

  /** What came out runs on nothing when it needs more than the set has; that is what it tells then. */
  async function attempt(folder: string, set: LibrarySet, native: "known" | "asked"): Promise<Built | string[]> {
    const missing = new Set<string>();
    const beganMs = systemClock.now();
    const entryPoints = await entryPointsOf(entryPoint(folder) ?? "");
    try {
      const { metafile, outputFiles } = await build({
        ...bundleSettings,
        // What stands for a library that is missing has every name, but not as a chunk.
        splitting: native === "known",
        external: [...bundleSettings.external, ...natives, "*.node"],
        entryPoints,
        outdir: bundleFolder(folder),
        absWorkingDir: folder,
        plugins: [
          librariesStayApart(set.libraries, missing),
          ...(native === "asked" ? [nativeAddonsStayOutside()] : []),
          unusedExportersStayOutside(),
        ],
        metafile: true,
        write: false,
      });
      if (native === "asked") for (const name of outsideOf(metafile)) if (!name.startsWith("file:")) natives.add(name);
      if (missing.size > 0 || native === "asked") return [...missing];
      return { set, entryPoints, beganMs, metafile, outputFiles };
    } catch (err) {
      if (missing.size > 0 && native === "known") return [...missing];
      throw new Unbuildable(folder, err);
    }
  }

  /** With the libraries that are there; otherwise all that it needs. */
  async function first(folder: string): Promise<Built | string[]> {
    const before = sets.get(folder);
    const set = before && (await libraries.isFresh(before)) ? before : await libraries.newest();
    const quick = set ? await attempt(folder, set, "known") : [];
    return Array.isArray(quick) ? attempt(folder, nothing, "asked") : quick;
  }

  async function second(folder: string, covering: Promise<LibrarySet>): Promise<Built> {
    const built = await attempt(folder, await covering, "known");
    if (Array.isArray(built)) throw new Error(`packages of ${folder} change while they are bundled`);
    return built;
  }

  function finished(folder: string, { set, entryPoints, beganMs, metafile, outputFiles }: Built): Rebuilt {
    sets.set(folder, set);
    const outdir = bundleFolder(folder);
    // What is left of packages is data.
    const inputs = inputsOf(metafile, folder).filter((file) => !set.libraries.has(file));
    const files = inputs.filter((file) => packageFolder(file) === undefined);
    const recipe = recipeOf([set.folder, entryPoints, bundleSettings]);
    return {
      hash: outputHash(outdir, outputFiles),
      files,
      isThere: async () => (await isFresh(outdir, recipe)) || isBundled(folder),
      async write() {
        await forgetInputs(outdir);
        await noteBundle(outdir, files, await writeBundle(outdir, outputFiles));
        await recordInputs(outdir, recipe, inputs, beganMs);
      },
    };
  }

  async function rebuild(folders: readonly string[]): Promise<(Rebuilt | Error)[]> {
    const firsts = await Promise.all(folders.map((folder) => first(folder).catch((err: Error) => err)));
    // For all of them at once, so that what two services share is made once.
    const needed = firsts.flatMap((one) => (Array.isArray(one) ? one : []));
    const covering = firsts.some(Array.isArray) ? libraries.covering(needed) : Promise.resolve(nothing);
    covering.catch(() => {});
    return Promise.all(
      folders.map(async (folder, index) => {
        try {
          const one = firsts[index] ?? [];
          if (one instanceof Error) throw one;
          return finished(folder, Array.isArray(one) ? await second(folder, covering) : one);
        } catch (err) {
          return isCertain(err as Error) ? (err as Error) : whole(folder).catch((certain: Error) => certain);
        }
      }),
    );
  }

  return {
    rebuild,
    async bundle(folders, inUse) {
      const fresh = await Promise.all(folders.map((folder) => isBundled(folder)));
      const quick = (await libraries.newest()) ? folders.filter((_, index) => !fresh[index]) : [];
      const rest = folders.filter((folder) => !quick.includes(folder));
      const built = rebuild(quick);
      await Promise.all(rest.map((folder) => bundleService(folder, { inUse })));
      for (const [index, result] of (await built).entries()) {
        if (result instanceof Error) throw result;
        if (!(await result.isThere())) await result.write();
        if (!inUse) await tidyBundle(bundleFolder(quick[index] ?? ""));
      }
    },
  };
}

/** Whether the whole bundle could not be built either. It reads libraries, so it knows more of what they export. */
const isCertain = (err: Error): boolean =>
  err instanceof Unbuildable && !err.message.includes("No matching export in ");

/** Libraries and all, like the first bundle, for what cannot be put together otherwise. */
async function whole(folder: string): Promise<Rebuilt> {
  const wasThere = await isBundled(folder);
  await bundleService(folder, { inUse: true });
  return {
    hash: undefined,
    files: await sourcesOf(bundleFolder(folder)),
    isThere: async () => wasThere,
    async write() {},
  };
}
