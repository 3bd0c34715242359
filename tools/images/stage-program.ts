import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { chmod, cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { bundleProgram, bundleService, packagesInside, packagesOutside } from "@plinth/cli";
import { root } from "../run.ts";
import { billOfMaterials } from "../supply/bill-of-materials.ts";
import { licenceTexts } from "../supply/licence-texts.ts";
import { readPackages } from "../supply/shipped-package.ts";
import type { Program } from "./image-list.ts";

/** A bundle, with the npm packages of which an image holds something. */
interface Bundled {
  outdir: string;
  /** Folders of those that have code in the bundle. */
  inside: readonly string[];
  /** Those that lie beside it whole, with the folders that npm put them in. */
  beside: readonly { name: string; source: string }[];
}

/** What becomes /app in an image. */
export interface Staged {
  folder: string;
  /** Folders of the npm packages that are in it, bundled or whole. */
  packages: readonly string[];
  /** Hash of names, modes and contents. */
  hash: string;
}

/** Has a folder for each program that is staged: the context in which the Dockerfile takes them. */
export const stagingFolder = path.join(root, "dist", "images");

/** Puts together what an image holds: bundle, packages with native code, migrations, and what others have a right to know. */
export async function stageProgram(program: Program, folderOfAll: string = stagingFolder): Promise<Staged> {
  const { name, migrations } = program;
  const bundled = await bundle(program);
  const { outdir, beside } = bundled;
  const target = path.join(folderOfAll, name);
  await rm(target, { recursive: true, force: true });
  for (const file of globSync(["*.js", "chunks/*.js"], { cwd: outdir })) {
    await cp(path.join(outdir, file), path.join(target, file));
  }
  // Node would have to find out by itself, at every start.
  await writeFile(path.join(target, "package.json"), '{"type":"module"}\n');
  for (const one of beside) await copyPackage(one, target);
  const packages = packagesOf(bundled);
  const shipped = readPackages(packages);
  await writeFile(path.join(target, "sbom.cdx.json"), billOfMaterials(`plinth/${name}`, shipped));
  await writeFile(path.join(target, "LICENSES.txt"), licenceTexts(shipped));
  if (migrations !== undefined) await cp(migrations, path.join(target, "migrations"), { recursive: true });
  await evenModes(target);
  return { folder: target, packages, hash: await hashOf(target) };
}

/** Folders of the npm packages that a program's image holds something of. */
export const shippedPackages = async (program: Program): Promise<string[]> => packagesOf(await bundle(program));

const packagesOf = ({ inside, beside }: Bundled): string[] => [
  ...new Set([...inside, ...beside.map(({ source }) => source)]),
];

async function bundle({ name, folder, main }: Program): Promise<Bundled> {
  const isService = main === path.join(folder, "src", "main.ts");
  const file = isService
    ? await bundleService(folder)
    : await bundleProgram({ folder, main, outdir: path.join(folder, "dist", name) });
  const outdir = path.dirname(file);
  const beside = (await packagesOutside(outdir)).flatMap((outside) => withNeeded(outside, folder));
  return { outdir, inside: await packagesInside(outdir), beside };
}

/** A package and those that it needs on this platform, as npm installed them. */
function withNeeded(name: string, from: string): { name: string; source: string }[] {
  const source = packageFolder(name, from);
  // Optional parts are for other platforms when they are not installed.
  if (source === undefined) return [];
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(path.join(source, "package.json"), "utf8"),
  ) as { dependencies?: object; optionalDependencies?: object };
  const needed = Object.keys({ ...dependencies, ...optionalDependencies });
  return [{ name, source }, ...needed.flatMap((other) => withNeeded(other, source))];
}

const copyPackage = ({ name, source }: Bundled["beside"][number], target: string): Promise<void> =>
  cp(source, path.join(target, "node_modules", name), {
    recursive: true,
    dereference: true,
    filter: (file) => !/\.(d\.ts|md|map)$/.test(file),
  });

function packageFolder(name: string, from: string): string | undefined {
  const folders = createRequire(path.join(from, "package.json")).resolve.paths(name) ?? [];
  return folders
    .map((folder) => path.join(folder, name))
    .find((folder) => {
      try {
        return readFileSync(path.join(folder, "package.json")).length > 0;
      } catch {
        return false;
      }
    });
}

const filesBelow = (folder: string): string[] => globSync("**/*", { cwd: folder }).toSorted();

/** The umask of whoever builds must not show in an image. */
async function evenModes(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  for (const name of filesBelow(folder)) {
    const file = path.join(folder, name);
    await chmod(file, (await stat(file)).isDirectory() ? 0o755 : 0o644);
  }
}

async function hashOf(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of filesBelow(folder)) {
    const file = path.join(folder, name);
    if ((await stat(file)).isDirectory()) continue;
    hash
      .update(`${name}\0`)
      .update(await readFile(file))
      .update("\0");
  }
  return hash.digest("hex");
}
