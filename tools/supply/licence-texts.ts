import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../run.ts";
import type { ShippedPackage } from "./shipped-package.ts";

const line = "-".repeat(80);
const noFile = "(no licence file in the package)";

/** What the licences of bundled packages ask for: their texts travel with their code. Equal texts come once. */
export function licenceTexts(packages: readonly ShippedPackage[]): string {
  const byText = Map.groupBy(packages, ({ texts }) => texts.join("\n\n") || noFile);
  const parts = [...byText].map(([text, those]) => {
    const names = those.map(({ name, version, licence }) => `${name} ${version} (${licence})`);
    return [line, ...names, line, "", text].join("\n");
  });
  const own = [line, "Plinth", line, "", readFileSync(path.join(root, "LICENSE"), "utf8").trim()].join("\n");
  return `${[own, ...parts].join("\n\n")}\n`;
}
