/**
 * Every module that a TypeScript file names: static imports and exports, import(), import types and what it resolves
 * with require. Reads lines as the formatter writes them, so that neither comments nor templates can look like imports.
 */
export function findImports(source: string): { line: number; specifier: string }[] {
  const found: { line: number; specifier: string }[] = [];
  for (const pattern of patterns) {
    for (const match of source.matchAll(pattern)) {
      const specifier = match[1] as string;
      const end = match.index + match[0].length;
      found.push({ line: source.slice(0, end).split("\n").length, specifier });
    }
  }
  return found.toSorted((a, b) => a.line - b.line);
}

const patterns = [
  // import x from "m"; import { a, b } from "m"; export { a } from "m"; export * from "m"
  /^(?:import|export)\s(?:[^;"'`]*?\sfrom\s)"([^"\n]+)"/gm,
  // import "m"
  /^import\s"([^"\n]+)"/gm,
  // import("m"), also as a type; createRequire(here).resolve("m"), require("m"), require.resolve("m")
  /^(?!\s*(?:\/\/|\*)).*?(?:\bimport|\brequire(?:\.resolve)?|\bcreateRequire\([^()\n]*\)\.resolve)\(\s*"([^"\n]+)"/gm,
];
