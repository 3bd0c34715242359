import { describe, expect, test } from "vitest";
import { bannedCalls } from "./banned-calls.ts";
import { codeLines, readRepositoryFile, repositoryFiles, sourceFiles } from "./repository-files.ts";

const sources = sourceFiles();
const typescript = repositoryFiles("**/*.{ts,mjs}");

test("there is something to look at", () => {
  expect(sources.length).toBeGreaterThan(150);
  expect(sources).toContain("services/audit/src/routes.ts");
});

describe.each(bannedCalls)("source code does without $name", ({ pattern, instead, allowed }) => {
  const uses = sources.flatMap((file) =>
    codeLines(file).flatMap(({ line, code }) => (pattern.test(code) ? [{ file, line }] : [])),
  );

  test(instead, () => {
    expect(uses.filter(({ file }) => !(file in allowed)).map(({ file, line }) => `${file}:${line}`)).toEqual([]);
  });

  test("and every exception is still needed", () => {
    expect(Object.keys(allowed).filter((file) => !uses.some((use) => use.file === file))).toEqual([]);
  });
});

describe("files stay short", () => {
  const linesMax = 400;
  /** Longer ones, with their length. Entries shrink or go; new files do not get one. */
  const longer: Record<string, number> = {};
  const lengths = new Map(typescript.map((file) => [file, readRepositoryFile(file).trimEnd().split("\n").length]));

  test(`none has more than ${linesMax} lines: split it by what its parts do`, () => {
    const tooLong = [...lengths].filter(([file, lines]) => lines > (longer[file] ?? linesMax));
    expect(tooLong.map(([file, lines]) => `${file}: ${lines} lines, at most ${longer[file] ?? linesMax}`)).toEqual([]);
  });

  test("the list of longer ones only shrinks", () => {
    const stale = Object.keys(longer).filter((file) => (lengths.get(file) ?? 0) <= linesMax);
    expect(stale, "short by now: take them off the list").toEqual([]);
  });
});

describe("names", () => {
  /** Names that others prescribe. */
  const prescribed =
    /^(README|LICENSE|NOTICE|CHANGELOG|CONTRIBUTING|SECURITY)(\.md)?$|^(Dockerfile|Tiltfile|Chart\.yaml|NOTES\.txt)$|^_\w+\.tpl$|_test\.go$|^__init__\.py$|_pb2(_grpc)?\.pyi?$/;
  const migration = /^\d{4}_[a-z0-9]+(_[a-z0-9]+)*\.sql$/;
  const resource = /^[a-z0-9.]+_[a-z0-9]+\.yaml$/; // group_plural, as controller-gen names CRDs
  const kebab = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;
  const vague = /(^|-)(utils?|helpers?|common|managers?|misc|stuff)$/;

  test("of files and folders are kebab-case", () => {
    const odd = repositoryFiles().filter((file) =>
      file.split("/").some((part) => ![kebab, prescribed, migration, resource].some((pattern) => pattern.test(part))),
    );
    expect(odd).toEqual([]);
  });

  test("say what is inside: no utils, helpers, common or manager", () => {
    const odd = repositoryFiles().filter((file) =>
      file.split("/").some((part) => vague.test(part.split(".")[0] as string)),
    );
    expect(odd).toEqual([]);
  });
});

const linesWith = (pattern: RegExp, files: string[]): string[] =>
  files.flatMap((file) =>
    readRepositoryFile(file)
      .split("\n")
      .flatMap((text, index) => (pattern.test(text) ? [`${file}:${index + 1}`] : [])),
  );

test("index files list their exports one by one", () => {
  expect(linesWith(/^export \*/, typescript)).toEqual([]);
});

test("nothing is left for later in a comment: do it, or file an issue", () => {
  const marker = new RegExp(["TODO", "FIXME", "XXX", "HACK"].map((word) => `\\b${word}\\b`).join("|"));
  const files = repositoryFiles("**/*.{ts,mjs,sql,proto,yaml,md}").filter(
    (file) => file !== "tools/tidy/source.test.ts",
  );
  expect(linesWith(marker, files)).toEqual([]);
});

test("suppressed lint rules say why", () => {
  expect(linesWith(/biome-ignore [\w/]+(:\s*)?$|@ts-(ignore|nocheck)|@ts-expect-error\s*$/, typescript)).toEqual([]);
});
