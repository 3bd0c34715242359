import { build, type Metafile, type OutputFile } from "esbuild";
import {
  bundleFolder,
  bundleService,
  bundleSettings,
  entryPoint,
  entryPointsOf,
  inputsOf,
  outsideOf,
  sourcesOf,
  Unbuildable,
} from "../local/bundle.ts";
import { forgetInputs } from "../local/bundle-freshness.ts";
import { bundleHash, outputHash, writeBundle } from "../local/bundle-output.ts";
import { nativeAddonsStayOutside, packageFolder } from "../local/native-addons.ts";
import { unusedExportersStayOutside } from "../local/unused-exporters.ts";
import type { Libraries, LibrarySet } from "./libraries.ts";
import { librariesStayApart } from "./library-shims.ts";

/** A service as it would run with the sources that are there now. */
export interface Rebuilt {
  /** The same for the same code. */
  hash: string;
  /** The files of ours, absolute, that it is made of. */
  files: string[];
  /** Puts it in the place of the bundle. */
  write(): Promise<void>;
}

/**
 * Bundles services again, each by its folder: their own code only, which takes a tenth of the time, beside libraries that
 * are bundled once for all of them. An error is what a person did wrong.
 */
export type Rebuild = (folders: readonly string[]) => Promise<(Rebuilt | Error)[]>;

/** One try to build a service; with `missing`, what came out runs on nothing. */
interface Attempt {
  folder: string;
  set: LibrarySet | undefined;
  result: { metafile: Metafile; outputFiles: OutputFile[] };
  /** Files of packages that the set does not have. */
  missing: Set<string>;
}

export function createRebuild(libraries: Libraries): Rebuild {
  /** What each service was built with last: it keeps that set while it can, or the same code would look like another. */
  const sets = new Map<string, LibrarySet>();
  /** Names of packages with native code. Asking of each import whether it is one takes longer than all else. */
  const natives = new Set<string>();

  async function attempt(folder: string, set: LibrarySet | undefined, natively: "known" | "asked"): Promise<Attempt> {
    const missing = new Set<string>();
    try {
      const result = await build({
        ...bundleSettings,
        external: [...bundleSettings.external, ...natives, "*.node"],
        entryPoints: await entryPointsOf(entryPoint(folder) ?? ""),
        outdir: bundleFolder(folder),
        absWorkingDir: folder,
        plugins: [
          librariesStayApart(set?.libraries ?? new Map(), missing),
          ...(natively === "asked" ? [nativeAddonsStayOutside()] : []),
          unusedExportersStayOutside(),
        ],
        metafile: true,
        write: false,
      });
      return { folder, set, result, missing };
    } catch (err) {
      throw new Unbuildable(folder, err);
    }
  }

  async function first(folder: string): Promise<Attempt> {
    const before = sets.get(folder);
    const set = before && (await libraries.isFresh(before)) ? before : await libraries.newest();
    const quick = await attempt(folder, set, "known");
    if (quick.missing.size === 0) return quick;
    const thorough = await attempt(folder, set, "asked");
    for (const name of outsideOf(thorough.result.metafile)) if (!name.startsWith("file:")) natives.add(name);
    return thorough;
  }

  function finished({ folder, set, result, missing }: Attempt): Rebuilt {
    if (missing.size > 0) throw new Error(`packages of ${folder} change while they are bundled`);
    if (set) sets.set(folder, set);
    const outdir = bundleFolder(folder);
    return {
      hash: outputHash(outdir, result.outputFiles),
      files: inputsOf(result.metafile, folder).filter((file) => !packageFolder(file)),
      async write() {
        // It is not what a build of the whole would leave there.
        await forgetInputs(outdir);
        await writeBundle(outdir, result.outputFiles);
      },
    };
  }

  return async (folders) => {
    const firsts = await Promise.all(folders.map((folder) => first(folder).catch((err: Error) => err)));
    // All that is missing at once, so that what two services share is made once.
    const missing = firsts.flatMap((one) => (one instanceof Error ? [] : [...one.missing]));
    const covering = missing.length > 0 ? libraries.covering(missing) : libraries.newest();
    covering.catch(() => {});
    return Promise.all(
      folders.map(async (folder, index) => {
        try {
          const one = firsts[index];
          if (one === undefined || one instanceof Error) throw one;
          if (one.missing.size === 0) return finished(one);
          return finished(await attempt(folder, await covering, "known"));
        } catch (err) {
          if (isCertain(err as Error)) return err as Error;
          return whole(folder).catch((certain: Error) => certain);
        }
      }),
    );
  };
}

/** Whether the whole bundle could not be built either. It reads libraries, so it knows more of what they export. */
const isCertain = (err: Error): boolean =>
  err instanceof Unbuildable && !err.message.includes("No matching export in ");

/** Like everything else of the platform: libraries and all, for what cannot be put together otherwise. */
async function whole(folder: string): Promise<Rebuilt> {
  await bundleService(folder, { inUse: true });
  const outdir = bundleFolder(folder);
  return { hash: await bundleHash(outdir), files: await sourcesOf(outdir), async write() {} };
}
