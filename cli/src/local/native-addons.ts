import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Plugin } from "esbuild";

/**
 * Leaves packages with native code out of a bundle, since such code loads files beside itself. They are found by what
 * they say in package.json, so there is no list of names to keep.
 */
export function nativeAddonsStayOutside(): Plugin {
  const known = new Map<string, Promise<boolean>>();
  return {
    name: "native addons stay outside",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async (args) => {
        if (args.pluginData === seen || args.path.startsWith("node:")) return undefined;
        const found = await build.resolve(args.path, { ...pick(args), pluginData: seen });
        if (found.errors.length > 0 || found.external) return undefined;
        const folder = packageFolder(found.path);
        if (folder === undefined) return undefined;
        let native = known.get(folder);
        if (!native) {
          native = isNative(folder);
          known.set(folder, native);
        }
        return (await native) ? { path: args.path, external: true } : undefined;
      });
      build.onResolve({ filter: /[.]node$/ }, (args) => ({ path: args.path, external: true }));
    },
  };
}

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
