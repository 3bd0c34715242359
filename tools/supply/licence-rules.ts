import type { ShippedPackage } from "./shipped-package.ts";

/** SPDX names of licences under which others' code may be in our images: they ask for no more than their text. */
const allowed = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "Unlicense",
  "Zlib",
]);

/** What is wrong with a package's licence; undefined when it may be shipped. Of alternatives (OR) one must do, else all. */
export function licenceProblem({ name, version, licence }: ShippedPackage): string | undefined {
  const who = `${name} ${version}`;
  if (licence === "") return `${who} names no licence: do not bundle it, or ask its author`;
  const alternatives = licence.replaceAll(/[()]/g, "").split(/\s+OR\s+/);
  if (alternatives.some((all) => all.split(/\s+AND\s+/).every((one) => allowed.has(one.trim())))) return undefined;
  return `${who} is under ${licence}, which is not in the list of tools/supply/licence-rules.ts`;
}
