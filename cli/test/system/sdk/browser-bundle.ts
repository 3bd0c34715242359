import path from "node:path";
import vm from "node:vm";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

export interface Bundle {
  text: string;
  bytes: number;
  gzipBytes: number;
  /** Modules of Node that it asks for. */
  nodeImports: string[];
}

/** Bundles a program as a user's build does for a page. Its exports become the global `page`. */
export async function bundleForBrowser(folder: string, program: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [path.join(folder, program)],
    absWorkingDir: folder,
    bundle: true,
    minify: true,
    platform: "browser",
    format: "iife",
    globalName: "page",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const [file] = outputFiles;
  if (!file) throw new Error("esbuild wrote nothing");
  const imports = [...Object.values(metafile.inputs), ...Object.values(metafile.outputs)].flatMap(
    (part) => part.imports,
  );
  return {
    text: file.text,
    bytes: file.contents.length,
    gzipBytes: gzipSync(file.contents).length,
    nodeImports: imports.flatMap((found) => (found.external || found.path.startsWith("node:") ? [found.path] : [])),
  };
}

/** What pages and workers of browsers have; neither process, Buffer nor require. */
const webGlobals = [
  "AbortController",
  "AbortSignal",
  "Blob",
  "DOMException",
  "FormData",
  "Headers",
  "ReadableStream",
  "Request",
  "Response",
  "TextDecoder",
  "TextEncoder",
  "TransformStream",
  "URL",
  "URLSearchParams",
  "WritableStream",
  "atob",
  "btoa",
  "clearTimeout",
  "console",
  "crypto",
  "fetch",
  "navigator",
  "performance",
  "queueMicrotask",
  "setTimeout",
] as const;

/** Runs a bundle where there is nothing but the web's globals, with a storage like a tab's. Returns what `page.visit` does. */
export async function visitPage(bundle: Bundle, args: { url: string; admin: object }): Promise<unknown> {
  const context = vm.createContext(Object.fromEntries(webGlobals.map((name) => [name, globalThis[name]])));
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  context["localStorage"] = storage;
  vm.runInContext(bundle.text, context, { filename: "page.js" });
  return vm.runInContext("page.visit", context)(args);
}
