import { existsSync } from "node:fs";
import { glob } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import { nativeAddonsStayOutside } from "./native-addons.ts";

/** CommonJS dependencies inside an ES module ask for a `require` that only Node's own modules need. */
const requireBanner = [
  'import { createRequire as plinthCreateRequire } from "node:module";',
  "const require = plinthCreateRequire(import.meta.url);",
].join("\n");

/** The entry point of a service in TypeScript; undefined when the folder has none. */
export function entryPoint(folder: string): string | undefined {
  const file = path.join(folder, "src", "main.ts");
  return existsSync(file) ? file : undefined;
}

/**
 * Bundles a service into one file, `dist/main.js` in its folder, because unbundled libraries cost seconds and hundreds of
 * megabytes per process. Every `*.worker.ts` becomes a `*.worker.js` beside it. It lies in the service's folder so that
 * packages with native code, which stay outside, are found as usual. Returns the path.
 */
export async function bundleService(folder: string): Promise<string> {
  const main = entryPoint(folder);
  if (main === undefined) throw new Error(`${folder} has no src/main.ts; name what to run in spec.local.command`);
  const entryPoints: Record<string, string> = { main };
  for await (const file of glob("src/**/*.worker.ts", { cwd: folder })) {
    entryPoints[path.basename(file, ".ts")] = path.join(folder, file);
  }
  const outdir = path.join(folder, "dist");
  try {
    await build({
      entryPoints,
      outdir,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node26",
      banner: { js: requireBanner },
      external: ["pg-native"],
      plugins: [nativeAddonsStayOutside()],
      sourcemap: "linked",
      legalComments: "none",
      logLevel: "silent",
    });
  } catch (err) {
    throw new Error(`${path.basename(folder)} cannot be built:\n${buildErrors(err)}`, { cause: err });
  }
  return path.join(outdir, "main.js");
}

interface BuildMessage {
  text: string;
  location: { file: string; line: number; column: number } | null;
}

// How many of a build's errors are shown; the first ones cause the others.
const errorsMax = 10;

function buildErrors(err: unknown): string {
  const messages = (err as { errors?: BuildMessage[] }).errors ?? [];
  if (messages.length === 0) return `  ${(err as Error).message}`;
  return messages
    .slice(0, errorsMax)
    .map(({ text, location: at }) => `  ${at ? `${at.file}:${at.line}:${at.column}: ` : ""}${text}`)
    .join("\n");
}
