import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Plugin } from "esbuild";

/**
 * Leaves packages with native code out of a bundle, since such code loads files beside itself. They are found by what
 * they say in package.json, so there is no list of names to keep. `by` their path for a bundle from which their names are not
 * found.
 */
export function nativeAddonsStayOutside(by: "name" | "path" = "name"): Plugin {
  return {
    name: "native addons stay outside",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async (args) => {
        if (args.pluginData === seen || args.path.startsWith("node:")) return undefined;
        const from = `${args.resolveDir}\0${args.path}`;
        if (harmless.has(from)) return undefined;
        const found = await build.resolve(args.path, { ...pick(args), pluginData: seen });
        if (found.errors.length > 0 || found.external) return undefined;
        const folder = packageFolder(found.path);
        let native = folder === undefined ? false : known.get(folder);
        if (native === undefined) {
          native = isNative(folder as string);
          known.set(folder as string, native);
        }
        if (await native) return { path: by === "name" ? args.path : found.path, external: true };
        if (harmless.size < harmlessMax && packageFolder(args.resolveDir)) harmless.add(from);
        return undefined;
      });
      build.onResolve({ filter: /[.]node$/ }, (args) => ({ path: args.path, external: true }));
    },
  };
}

/** Folders of packages, and whether they hold native code. */
const known = new Map<string, Promise<boolean>>();
/** What packages import from where without finding native code. Asking esbuild again at every build of a process would
 * cost a third of a rebuild. */
const harmless = new Set<string>();
const harmlessMax = 50_000;

const seen = Symbol("resolved by this plugin already");

const pick = <T extends { importer: string; resolveDir: string; kind: unknown; namespace: string }>(args: T) => ({
  importer: args.importer,
  resolveDir: args.resolveDir,
  kind: args.kind as T["kind"],
  namespace: args.namespace,
});

/** ".../node_modules/@scope/name" of a file below it; undefined for a file of ours. */
export function packageFolder(file: string): string | undefined {
  const marker = `${path.sep}node_modules${path.sep}`;
  const at = file.lastIndexOf(marker);
  if (at < 0) return undefined;
  const parts = file.slice(at + marker.length).split(path.sep);
  const depth = parts[0]?.startsWith("@") ? 2 : 1;
  return file.slice(0, at + marker.length) + parts.slice(0, depth).join(path.sep);
}

async function isNative(folder: string): Promise<boolean> {
  const text = await readFile(path.join(folder, "package.json"), "utf8").catch(() => "{}");
  const manifest = JSON.parse(text) as Record<string, unknown>;
  return ["napi", "binary", "gypfile"].some((field) => field in manifest);
}
