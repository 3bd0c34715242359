import { describe, expect, test } from "vitest";
import { configurationReference } from "../reference/configuration.ts";
import { limitList, notLimits } from "../reference/limit-list.ts";
import { limitsReference } from "../reference/limits.ts";
import { documentedReasons, usedReasons } from "./fault-reasons.ts";
import { deadLinks } from "./markdown-links.ts";
import { codeLines, readRepositoryFile, repositoryFiles, sourceFiles } from "./repository-files.ts";

test("links in Markdown lead somewhere", () => {
  expect(repositoryFiles("**/*.md").flatMap(deadLinks)).toEqual([]);
});

describe("docs/errors.md", () => {
  const documented = documentedReasons();
  const used = usedReasons();

  test("has a row for every reason in the source", () => {
    expect(used.size).toBeGreaterThan(80);
    const missing = [...used].filter(([reason]) => !documented.some((row) => row.reason === reason));
    expect(missing.map(([reason, place]) => `${reason} (${place})`)).toEqual([]);
  });

  test("has no row for a reason that is not used, and none twice", () => {
    const reasons = documented.map(({ reason }) => reason);
    expect(reasons.filter((reason) => !used.has(reason))).toEqual([]);
    expect(reasons.filter((reason, index) => reasons.indexOf(reason) !== index)).toEqual([]);
  });

  test("gives each the code that the source gives it", () => {
    const codeOf = new Map(documented.map(({ reason, code }) => [reason, code]));
    const wrong = sourceFiles().flatMap((file) => {
      const text = readRepositoryFile(file);
      return [
        ...text.matchAll(/code: "(\w+)",\s*reason: "(\w+)"/g),
        ...text.matchAll(/refusal\(\s*\d+,\s*"(\w+)",\s*"(\w+)"/g),
      ].flatMap(([, actual, reason = ""]) => {
        const told = codeOf.get(reason) ?? actual;
        return told === actual ? [] : [`${reason}: ${told} here, ${actual} in ${file}`];
      });
    });
    expect(wrong).toEqual([]);
  });
});

describe("docs/configuration.md", () => {
  const page = readRepositoryFile("docs/configuration.md");

  test("is what the configuration specs say: run `npm run generate`", async () => {
    expect(page).toBe(await configurationReference());
  });

  test("has every key that anything reads or sets, and no other", () => {
    const keys = (text: string) => text.match(/\bPLINTH_[A-Z0-9_]*[A-Z0-9]\b/g) ?? [];
    const files = repositoryFiles("{packages,services,examples,operator,cli,tools,bench,.ci}/**/*.{ts,mjs,yaml}");
    const used = new Set(files.filter((file) => !isFixture(file)).flatMap((file) => keys(readRepositoryFile(file))));
    const documented = new Set(keys(page));
    expect([...used].filter((key) => !documented.has(key) && !documented.has(key.replace(/_FILE$/, "")))).toEqual([]);
    expect([...documented].filter((key) => !used.has(key))).toEqual([]);
  });
});

const isFixture = (file: string): boolean => /\/(fixtures|testdata)\/|^tools\/tidy\//.test(file);

describe("docs/limits.md", () => {
  test("has the values of the source: run `npm run generate`", async () => {
    expect(readRepositoryFile("docs/limits.md")).toBe(await limitsReference());
  });

  test("has every constant that is named like a limit", () => {
    const known = new Set(
      [
        ...Object.values(limitList).flatMap((files) =>
          Object.entries(files).map(([file, limits]) => [file, limits.map(({ name }) => name)] as const),
        ),
        ...Object.entries(notLimits),
      ].flatMap(([file, names]) => names.map((name) => `${file} ${name}`)),
    );
    const limit = /^(?:export )?const (\w+(?:Max|Min|Ms|Bytes|Seconds|ToleranceS|Size|MaxLength))(?:: number)? = \d/;
    const found = sourceFiles().flatMap((file) =>
      codeLines(file).flatMap(({ code }) => (limit.test(code) ? [`${file} ${limit.exec(code)?.[1]}`] : [])),
    );
    expect(found.length).toBeGreaterThan(50);
    expect(found.filter((entry) => !known.has(entry))).toEqual([]);
  });

  test("leaves out only what is there", () => {
    const gone = Object.entries(notLimits).flatMap(([file, names]) =>
      names
        .filter((name) => !new RegExp(`\\bconst ${name}\\b`).test(readRepositoryFile(file)))
        .map((name) => `${file} ${name}`),
    );
    expect(gone).toEqual([]);
  });
});
