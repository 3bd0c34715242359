import { existsSync } from "node:fs";
import { glob, readFile, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { type BuildOptions, build, version as esbuildVersion, type Metafile } from "esbuild";
import { isFresh, recipeOf, recordInputs } from "./bundle-freshness.ts";
import { removeLeftovers, writeBundle } from "./bundle-output.ts";
import { nativeAddonsStayOutside, packageFolder } from "./native-addons.ts";
import { unusedExportersStayOutside } from "./unused-exporters.ts";

/** CommonJS dependencies inside an ES module ask for a `require` that only Node's own modules need. */
const requireBanner = [
  'import { createRequire as plinthCreateRequire } from "node:module";',
  "const require = plinthCreateRequire(import.meta.url);",
].join("\n");

/** How everything of ours is bundled. */
export const bundleSettings = {
  bundle: true,
  // What is imported on demand lies beside the main file and costs nothing until then (the Kubernetes client is 6 MB).
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  platform: "node",
  format: "esm",
  target: "node26",
  banner: { js: requireBanner },
  external: ["pg-native"],
  // Names stay, for stack traces; the rest only costs memory.
  minifyWhitespace: true,
  // Node prints the source line of an uncaught error.
  lineLimit: 160,
  minifySyntax: true,
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  logLevel: "silent",
} satisfies BuildOptions;

/** The entry point of a service in TypeScript; undefined when the folder has none. */
export function entryPoint(folder: string): string | undefined {
  const file = path.join(folder, "src", "main.ts");
  return existsSync(file) ? file : undefined;
}

/**
 * Bundles a service into `dist/main.js` in its folder, because unbundled libraries cost seconds and hundreds of
 * megabytes per process. Every `*.worker.ts` becomes a `*.worker.js` beside it. It lies in the service's folder so that
 * packages with native code, which stay outside, are found as usual. A bundle whose inputs have not changed is kept.
 * Returns the path.
 */
export async function bundleService(folder: string, options: Pick<BundleOptions, "inUse"> = {}): Promise<string> {
  const main = entryPoint(folder);
  if (main === undefined) throw new Error(`${folder} has no src/main.ts; name what to run in spec.local.command`);
  return bundleProgram({ folder, main, outdir: bundleFolder(folder), ...options });
}

/** Where the bundle of a service lies. */
export const bundleFolder = (folder: string): string => path.join(folder, "dist");

export interface BundleOptions {
  /** Of the package. */
  folder: string;
  /** Becomes `main.js`. */
  main: string;
  outdir: string;
  /** True: a process may run the bundle that is there now, so the chunks it may still ask for are kept. */
  inUse?: boolean;
}

/** The same for any program of a package. */
export async function bundleProgram({ folder, main, outdir, inUse = false }: BundleOptions): Promise<string> {
  const entryPoints = await entryPointsOf(main);
  const recipe = wholeRecipe(entryPoints);
  if (!(await isFresh(outdir, recipe))) await makeBundle(folder, outdir, entryPoints, recipe);
  if (!inUse) await tidyBundle(outdir);
  return path.join(outdir, "main.js");
}

/** Removes chunks of earlier bundles, which no process may run any more. */
export const tidyBundle = async (outdir: string): Promise<void> =>
  removeLeftovers(outdir, await readList(outdir, besides.outputs));

/** What esbuild makes files of, by their names without extension. */
export async function entryPointsOf(main: string): Promise<Record<string, string>> {
  const entryPoints: Record<string, string> = { main };
  for await (const file of glob("**/*.worker.ts", { cwd: path.dirname(main) })) {
    entryPoints[path.basename(file, ".ts")] = path.join(path.dirname(main), file);
  }
  return entryPoints;
}

const wholeRecipe = (entryPoints: Record<string, string>): string =>
  recipeOf([bundleSettings, entryPoints, esbuildVersion, besides]);

/** True while `bundleService` would leave the bundle of a service as it is. */
export async function isBundled(folder: string): Promise<boolean> {
  const main = entryPoint(folder);
  return main !== undefined && isFresh(bundleFolder(folder), wholeRecipe(await entryPointsOf(main)));
}

/** Names of the packages that a bundle in `outdir` expects to find installed: those with native code. */
export const packagesOutside = (outdir: string): Promise<string[]> => readList(outdir, besides.outside);

/** Folders of the packages that have code in the bundle in `outdir`. */
export async function packagesInside(outdir: string): Promise<string[]> {
  return (await readList(outdir, besides.inside)).map((folder) => path.resolve(outdir, folder));
}

/** The files of ours, absolute, that a bundle in `outdir` was made of; none before the first that could be made. */
export async function sourcesOf(outdir: string): Promise<string[]> {
  const files = await readList(outdir, besides.sources).catch(() => []);
  return files.map((file) => path.resolve(outdir, file));
}

/** The same of a bundle that was made in another way: the files of ours, absolute, and the names of what it consists of. */
export async function noteBundle(
  outdir: string,
  sources: readonly string[],
  outputs: readonly string[],
): Promise<void> {
  await writeLists(outdir, [
    [besides.sources, sources.map((file) => path.relative(outdir, file))],
    [besides.outputs, outputs],
  ]);
}

/** Files beside a bundle that tell what it was made of. */
const besides = { outside: "outside.json", inside: "packages.json", sources: "sources.json", outputs: "outputs.json" };

const readList = async (outdir: string, file: string): Promise<string[]> =>
  JSON.parse(await readFile(path.join(outdir, file), "utf8")) as string[];

async function writeLists(outdir: string, lists: readonly (readonly [string, readonly string[]])[]): Promise<void> {
  for (const [file, list] of lists) await writeFile(path.join(outdir, file), JSON.stringify(list));
}

async function makeBundle(
  folder: string,
  outdir: string,
  entryPoints: Record<string, string>,
  recipe: string,
): Promise<void> {
  const beganMs = systemClock.now();
  try {
    // Nothing is written before all of it is known: a mistake leaves the bundle that runs as it is.
    const { metafile, outputFiles } = await build({
      ...bundleSettings,
      entryPoints,
      outdir,
      absWorkingDir: folder,
      plugins: [nativeAddonsStayOutside(), unusedExportersStayOutside()],
      metafile: true,
      write: false,
    });
    const files = inputsOf(metafile, folder);
    await writeLists(outdir, [
      [besides.outside, outsideOf(metafile)],
      [besides.inside, insideOf(metafile).map((file) => path.relative(outdir, path.resolve(folder, file)))],
      [besides.sources, files.filter((file) => !packageFolder(file)).map((file) => path.relative(outdir, file))],
      [besides.outputs, await writeBundle(outdir, outputFiles)],
    ]);
    await recordInputs(outdir, recipe, files, beganMs);
  } catch (err) {
    throw new Unbuildable(folder, err);
  }
}

/** What esbuild threw, for a person: the first mistakes with their places, one per line. */
export class Unbuildable extends Error {
  constructor(folder: string, cause: unknown) {
    super(`${path.basename(folder)} cannot be built:\n${buildErrors(cause, folder)}`, { cause });
  }
}

/** Absolute paths of the files that were read. */
export function inputsOf({ inputs }: Metafile, folder: string): string[] {
  const files = Object.keys(inputs).filter((file) => !virtual.test(file));
  return files.map((file) => path.resolve(folder, file));
}

/** "namespace:name", as esbuild names what a plugin made up. */
const virtual = /^[a-z-]{2,}:/;

/** What stays outside although it may be asked for: pg looks for its native twin and does without. */
export function outsideOf({ outputs }: Metafile): string[] {
  const imports = Object.values(outputs).flatMap((output) => output.imports);
  const names = imports.flatMap(({ path: name, external }) => (external && !isBuiltin(name) ? [name] : []));
  return [...new Set(names)].filter((name) => !bundleSettings.external.includes(name)).sort();
}

/** Packages of which something is left after what nobody uses is gone. */
function insideOf({ outputs }: Metafile): string[] {
  const used = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  return [...new Set(used.flatMap((file) => packageFolder(file) ?? []))].sort();
}

interface BuildMessage {
  text: string;
  location: { file: string; line: number; column: number } | null;
}

// How many of a build's errors are shown; the first ones cause the others.
const errorsMax = 10;

function buildErrors(err: unknown, folder: string): string {
  const shown = (file: string) => path.relative(process.cwd(), path.resolve(folder, file));
  const messages = (err as { errors?: BuildMessage[] }).errors ?? [];
  if (messages.length === 0) return `  ${(err as Error).message}`;
  return messages
    .slice(0, errorsMax)
    .map(({ text, location: at }) => `  ${at ? `${shown(at.file)}:${at.line}:${at.column}: ` : ""}${text}`)
    .join("\n");
}
