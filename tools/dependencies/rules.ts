import { isBuiltin } from "node:module";
import path from "node:path/posix";
import {
  domainExceptions,
  importLayers,
  neverDeployed,
  published,
  readBy,
  sharedTestTools,
  surplusExceptions,
} from "./exceptions.ts";
import type { Import, Part } from "./read-workspace.ts";

/** Everything that is wrong with the imports of the workspace, one line each, ready to print. */
export function findProblems(parts: readonly Part[]): string[] {
  const names = new Map(parts.map((part) => [part.name, part]));
  return parts.flatMap((part) => [
    ...part.imports.flatMap((found) => {
      const where = `${part.folder}/${found.file}:${found.line}`;
      return [
        undeclared(part, found),
        leavesFolder(part, found),
        wrongDirection(part, found, names),
        importsTesting(part, found),
        impureDomain(part, found),
      ].flatMap((problem) => (problem === undefined ? [] : [`${where}: ${problem}`]));
    }),
    ...surplus(part).map((problem) => `${part.folder}/package.json: ${problem}`),
    ...inexactVersions(part, names).map((problem) => `${part.folder}/package.json: ${problem}`),
  ]);
}

/** The package of a module name: "@a/b/c" is in "@a/b", "d/e" in "d"; undefined for files and Node's own modules. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith(".") || specifier.startsWith("/") || isBuiltin(specifier)) return undefined;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Tests and contract suites run in development only. */
export const isTestFile = (file: string): boolean =>
  /(^|\/)(test|fixtures|testdata)\//.test(file) || /\.(test|contract)\.ts$/.test(file);

const testing = "@plinth/testing";

function undeclared({ name, dependencies, devDependencies }: Part, { file, specifier }: Import): string | undefined {
  const wanted = packageOf(specifier);
  if (wanted === undefined || wanted === name || wanted in dependencies) return undefined;
  if (isTestFile(file)) {
    if (wanted in devDependencies || sharedTestTools.includes(wanted)) return undefined;
    return `imports ${wanted}, which is not in the package's devDependencies`;
  }
  return wanted in devDependencies
    ? `imports ${wanted}, which is only in devDependencies: move it to dependencies`
    : `imports ${wanted}, which is not in the package's dependencies`;
}

function surplus(part: Part): string[] {
  const all = new Set(part.imports.map(({ specifier }) => packageOf(specifier)));
  const inSource = new Set(
    part.imports.flatMap(({ file, specifier }) => (isTestFile(file) ? [] : [packageOf(specifier)])),
  );
  const isUsed = (name: string) => {
    const typed = /^@types\/(?:([^_]+)__)?(.+)$/.exec(name);
    return all.has(typed ? (typed[1] ? `@${typed[1]}/${typed[2]}` : typed[2]) : name) || name === "@types/node";
  };
  const excepted = (name: string) => surplusExceptions.some((e) => e.folder === part.folder && e.dependency === name);
  return [
    ...Object.keys({ ...part.dependencies, ...part.devDependencies })
      .filter((name) => !isUsed(name) && !excepted(name))
      .map((name) => `declares ${name}, which nothing imports: remove it`),
    ...Object.keys(part.dependencies)
      .filter((name) => all.has(name) && !inSource.has(name) && !excepted(name))
      .map((name) => `declares ${name} in dependencies, which only tests import: move it to devDependencies`),
  ];
}

function inexactVersions(part: Part, names: ReadonlyMap<string, Part>): string[] {
  const pinned = published.includes(part.folder)
    ? part.devDependencies
    : { ...part.dependencies, ...part.devDependencies };
  return Object.entries(pinned)
    .filter(([name, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version) && !names.has(name))
    .map(([name, version]) => `declares ${name} as "${version}": pin one exact version`);
}

/** A relative import stays inside its package; others are reached by their name. */
function leavesFolder({ folder }: Part, { file, specifier }: Import): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const target = path.join(folder, path.dirname(file), specifier);
  if (target.startsWith(`${folder}/`)) return undefined;
  return `reaches into ${path.dirname(target)}: import the package that owns the file by its name`;
}

function wrongDirection(part: Part, found: Import, names: ReadonlyMap<string, Part>): string | undefined {
  const target = names.get(packageOf(found.specifier) ?? "");
  if (!target || target === part || target.name === testing) return undefined;
  if (isService(part) && isService(target))
    return `imports the service ${target.name}: call it through @plinth/clients`;
  if (isTestFile(found.file)) return undefined;
  const readers = readBy[target.folder];
  if (readers && !readers.includes(part.folder)) return `imports ${target.name}, which only ${readers.join(", ")} may`;
  const [own, others] = [layerOf(part.folder), layerOf(target.folder)];
  if (own < 0 || others < 0)
    return `${own < 0 ? part.folder : target.folder} is in no layer: add it in tools/dependencies/exceptions.ts`;
  if (others < own) return undefined;
  return `imports ${target.name}, which stands above or beside it (proto <- kernel <- ... <- services)`;
}

const isService = ({ folder }: Part): boolean => folder.startsWith("services/");

const layerOf = (folder: string): number =>
  importLayers.findIndex((layer) => layer.some((pattern) => path.matchesGlob(folder, pattern)));

function importsTesting(part: Part, { file, specifier }: Import): string | undefined {
  if (packageOf(specifier) !== testing || isTestFile(file) || part.name === testing) return undefined;
  if (neverDeployed.includes(part.folder)) return undefined;
  return `imports ${testing}, which is for tests only`;
}

const pureModules = ["node:crypto", "node:net", "node:buffer", "node:util", "node:assert", "@plinth/kernel"];

/** A service's domain knows no transport, SQL or environment. */
function impureDomain(part: Part, { file, specifier }: Import): string | undefined {
  if (!file.startsWith("src/domain/") || isTestFile(file)) return undefined;
  if (specifier.startsWith(".")) {
    const target = path.join(path.dirname(file), specifier);
    return target.startsWith("src/domain/") ? undefined : `domain code imports ${target} from outside the domain`;
  }
  if (pureModules.includes(specifier)) return undefined;
  const excepted = domainExceptions.some(
    (e) => `${part.folder}/${file}`.startsWith(e.path) && e.dependency === packageOf(specifier),
  );
  return excepted
    ? undefined
    : `domain code imports ${specifier}: domain code uses @plinth/kernel and pure Node modules`;
}
