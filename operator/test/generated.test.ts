import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { reasons } from "../src/platform-service/reasons.ts";

const operator = path.resolve(import.meta.dirname, "..");

test("every documented reason is given somewhere, and says what it means in a sentence", () => {
  const files = globSync("src/**/*.ts", { cwd: operator }).filter((file) => !file.endsWith("/reasons.ts"));
  const code = files.map((file) => readFileSync(path.join(operator, file), "utf8")).join("\n");
  const unused = Object.keys(reasons).filter((reason) => !new RegExp(`"${reason}"|reasons\\.${reason}\\b`).test(code));
  expect(unused).toEqual([]);
  for (const sentence of Object.values(reasons)) expect(sentence).toMatch(/^[A-Zs].+\.$/);
});
