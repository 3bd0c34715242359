import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { madeByTests } from "../dependencies/read-workspace.ts";
import { root } from "../run.ts";

const leftOut = new Set(["node_modules", "dist", "gen", "vendor", ".git", ".plinth", ".turbo"]);

const isLeftOut = (name: string): boolean => leftOut.has(name) || name.startsWith(madeByTests);

/** Files that people write, relative to the repository: nothing installed, built, generated or taken from elsewhere. */
export function repositoryFiles(pattern = "**/*"): string[] {
  return globSync(pattern, { cwd: root, withFileTypes: true, exclude: (entry) => isLeftOut(entry.name) })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"))
    .toSorted();
}

export const readRepositoryFile = (file: string): string => readFileSync(path.join(root, file), "utf8");

/** TypeScript that runs in production: no tests, contract suites or fixtures, and no servers of a developer's machine. */
export const sourceFiles = (): string[] =>
  repositoryFiles("{operator,{packages,services,examples,sdk}/*}/src/**/*.ts").filter(
    (file) => !/^packages\/(testing|local-servers)\//.test(file) && !/\.(test|contract)\.ts$/.test(file),
  );

/** A file's lines without its comments, numbered from 1. */
export function codeLines(file: string): { line: number; code: string }[] {
  const withoutComments = readRepositoryFile(file)
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ""))
    .replace(/(^|\s)\/\/.*$/gm, "");
  return withoutComments.split("\n").map((code, index) => ({ line: index + 1, code }));
}
