import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { findImports } from "./find-imports.ts";

/** One import as it stands in a file. */
export interface Import {
  /** Relative to the folder of its package, with forward slashes. */
  file: string;
  line: number;
  specifier: string;
}

/** A folder with a package.json: what it declares and what it imports. */
export interface Part {
  /** Relative to the repository, for example "services/audit". */
  folder: string;
  name: string;
  dependencies: Readonly<Record<string, string>>;
  devDependencies: Readonly<Record<string, string>>;
  imports: readonly Import[];
}

interface Manifest {
  name: string;
  workspaces?: string[];
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** How folders begin that a test makes within the repository, and removes while others run. */
export const madeByTests = "tmp-";

const isLeftOut = (file: string): boolean => {
  const name = path.basename(file);
  return ["node_modules", "dist", ".plinth"].includes(name) || name.startsWith(madeByTests);
};

const readManifest = (folder: string): Manifest => JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));

/** Reads every workspace of the repository at `root`, those that it does not list in its package.json excluded. */
export function readWorkspace(root: string): Part[] {
  const manifests = (readManifest(root).workspaces ?? []).map((pattern) => `${pattern}/package.json`);
  return globSync(manifests, { cwd: root, exclude: isLeftOut })
    .map((file) => readPart(root, path.dirname(file)))
    .toSorted((a, b) => a.folder.localeCompare(b.folder));
}

function readPart(root: string, folder: string): Part {
  const absolute = path.join(root, folder);
  const { name, dependencies = {}, devDependencies = {} } = readManifest(absolute);
  const files = globSync("**/*.{ts,mts,mjs}", { cwd: absolute, exclude: isLeftOut }).toSorted();
  const imports = files.flatMap((file) =>
    findImports(readFileSync(path.join(absolute, file), "utf8")).map((found) => ({ file: slashes(file), ...found })),
  );
  return { folder: slashes(folder), name, dependencies, devDependencies, imports };
}

const slashes = (file: string): string => file.split(path.sep).join("/");
