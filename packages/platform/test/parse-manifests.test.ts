import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { formatManifest } from "../src/format-manifest.ts";
import { parseManifests } from "../src/parse-manifests.ts";
import { formatProblem } from "../src/problem.ts";

const folder = path.join(import.meta.dirname, "testdata");
const cases = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

// UPDATE_GOLDEN=1 rewrites the expected files; read the difference before committing it.
const update = process.env["UPDATE_GOLDEN"] === "1";

test.each(cases)("%s gives its golden messages and manifests", (name) => {
  const { services, problems } = parseManifests(readFileSync(path.join(folder, name), "utf8"), name);
  const actual = [...problems.map((p) => `${formatProblem(p)}\n`), ...services.map((s) => `---\n${formatManifest(s)}`)];
  const golden = path.join(folder, name.replace(/\.yaml$/, ".golden"));
  if (update) writeFileSync(golden, actual.join(""));
  expect(actual.join("")).toBe(readFileSync(golden, "utf8"));
});

test("a normalised manifest parses to itself", () => {
  const once = parseManifests(readFileSync(path.join(folder, "full.yaml"), "utf8"), "full.yaml").services;
  expect(once).toHaveLength(1);
  const text = once.map(formatManifest).join("---\n");
  expect(parseManifests(text, "again.yaml")).toEqual({ services: once, problems: [] });
});

test("a file above the size limit is refused without being parsed", () => {
  const { problems } = parseManifests("#".repeat(1_048_577), "big.yaml");
  expect(problems.map((p) => p.message)).toEqual(["is larger than the 1024 KiB that a manifest may have"]);
});

test("aliases that multiply are refused", () => {
  const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(", ")}]`);
  const { services, problems } = parseManifests(`l0: &l0 x\n${levels.join("\n")}\n`, "bomb.yaml");
  expect(services).toEqual([]);
  expect(problems[0]?.message).toContain("is not valid YAML");
});

test("an alias without an anchor is shown where it stands", () => {
  const { problems } = parseManifests("kind: PlatformService\nspec:\n  image: *nowhere\n", "alias.yaml");
  expect(problems).toMatchObject([{ line: 3, column: 10 }]);
  expect(problems[0]?.message).toContain("nowhere");
});
