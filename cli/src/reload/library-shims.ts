import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";
import { packageFolder } from "../local/native-addons.ts";

/** One file of a package that is bundled apart. */
export interface Library {
  /** Where its bundle lies. */
  file: string;
  /** What it exports; undefined for CommonJS, of which only `module.exports` is there, as `default`. */
  names: string[] | undefined;
}

/**
 * Puts in the place of every file of a package that is asked for a few lines that take it from its own bundle, so that
 * esbuild reads nothing but our code. The rest is as if it had read the file: how CommonJS is imported, and the error for a
 * name that is not exported. Files without a bundle are noted in `missing`, and whatever is asked of them is granted.
 */
export function librariesStayApart(libraries: ReadonlyMap<string, Library>, missing: Set<string>): Plugin {
  return {
    name: "libraries stay apart",
    setup(build) {
      build.onResolve({ filter: /^file:/ }, ({ path }) => ({ path, external: true }));
      build.onResolve({ filter: /^common-js:/ }, ({ path }) => ({
        path: path.slice(commonJs.length + 1),
        namespace: commonJs,
      }));
      build.onLoad({ filter: /.*/, namespace: commonJs }, ({ path }) => ({
        contents: `export { default } from ${JSON.stringify(path)};`,
        loader: "js",
      }));
      build.onLoad({ filter: /node_modules.*[.][cm]?js$/ }, ({ path }) => {
        if (packageFolder(path) === undefined) return undefined;
        const library = libraries.get(path);
        if (!library) missing.add(path);
        return { contents: library ? shimOf(library) : anything, loader: "js" };
      });
    },
  };
}

const commonJs = "common-js";

/** Exports every name. */
const anything = 'export * from "file:///"; export default undefined;';

function shimOf({ file, names }: Library): string {
  const { href } = pathToFileURL(file);
  // The import is a module of its own, because esbuild takes a file that has one for no CommonJS.
  if (!names) return `module.exports = require(${JSON.stringify(`${commonJs}:${href}`)}).default;`;
  return `export { ${names.map((name) => JSON.stringify(name)).join(", ")} } from ${JSON.stringify(href)};`;
}
