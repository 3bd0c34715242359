import { describe, expect, test } from "vitest";
import { root } from "../run.ts";
import { domainExceptions, surplusExceptions } from "./exceptions.ts";
import { findImports } from "./find-imports.ts";
import { type Part, readWorkspace } from "./read-workspace.ts";
import { findProblems, isTestFile, packageOf } from "./rules.ts";

type Imports = Record<string, readonly string[]>;

/** A part whose files import what `imports` says and which declares what `dependencies` says. */
function part(folder: string, imports: Imports, dependencies: string[] = [], devDependencies: string[] = []): Part {
  const versions = (names: string[]) => Object.fromEntries(names.map((name) => [name, "1.0.0"]));
  return {
    folder,
    name: `@plinth/${folder.split("/").at(-1)}`,
    dependencies: versions(dependencies),
    devDependencies: versions(devDependencies),
    imports: Object.entries(imports).flatMap(([file, specifiers]) =>
      specifiers.map((specifier, index) => ({ file, line: index + 1, specifier })),
    ),
  };
}

const kernel = part("packages/kernel", {});
const testing = part("packages/testing", {});

describe("finding imports", () => {
  test("in every form that the formatter leaves", () => {
    const source = [
      'import a from "a";',
      "import {",
      "  b,",
      '} from "@b/c/deep";',
      'import type { D } from "d";',
      'import "e";',
      'export { f } from "./f.ts";',
      'export * from "g";',
      'const h = await import("h");',
      'const i = createRequire(import.meta.url).resolve("i");',
      'type J = import("j").J;',
    ].join("\n");
    expect(findImports(source).map(({ line, specifier }) => `${line} ${specifier}`)).toEqual([
      "1 a",
      "4 @b/c/deep",
      "5 d",
      "6 e",
      "7 ./f.ts",
      "8 g",
      "9 h",
      "10 i",
      "11 j",
    ]);
  });

  test("not in comments, in templates or in other calls", () => {
    const source = [
      '// import a from "a";',
      ' * import b from "b";',
      '// await import("c");',
      'const text = `\n  import d from "d";`;',
      'path.resolve("e");',
      'const from = "f";',
      'export const g = "g";',
    ].join("\n");
    expect(findImports(source)).toEqual([]);
  });
});

test.each([
  ["@plinth/bus/schema", "@plinth/bus"],
  ["drizzle-orm/pg-core", "drizzle-orm"],
  ["pg", "pg"],
  ["node:fs/promises", undefined],
  ["fs", undefined],
  ["./a.ts", undefined],
])("%s belongs to %s", (specifier, name) => expect(packageOf(specifier)).toBe(name));

test.each(["test/a.ts", "src/a.test.ts", "src/bus.contract.ts", "src/x/testdata/y.ts", "test/fixtures/z.ts"])(
  "%s is a test file",
  (file) => expect(isTestFile(file)).toBe(true),
);
test.each(["src/a.ts", "src/testing.ts", "src/contract.ts"])("%s is none", (file) =>
  expect(isTestFile(file)).toBe(false),
);

describe("declarations", () => {
  test("what a file imports is declared; tests may use devDependencies, sources may not", () => {
    const found = findProblems([
      part(
        "packages/a",
        { "src/x.ts": ["pg", "jose", "node:fs"], "test/x.test.ts": ["jose", "yaml", "vitest"] },
        [],
        ["jose"],
      ),
    ]);
    expect(found).toEqual([
      "packages/a/src/x.ts:1: imports pg, which is not in the package's dependencies",
      "packages/a/src/x.ts:2: imports jose, which is only in devDependencies: move it to dependencies",
      "packages/a/test/x.test.ts:2: imports yaml, which is not in the package's devDependencies",
    ]);
  });

  test("nothing is declared that nobody imports; types count with their package", () => {
    const imports = { "src/x.ts": ["ws", "@a/b"], "test/x.test.ts": ["pg"] };
    const found = findProblems([
      part(
        "packages/a",
        imports,
        ["ws", "@a/b", "pg", "undici"],
        ["@types/ws", "@types/a__b", "@types/node", "@types/yaml"],
      ),
    ]);
    expect(found).toEqual([
      "packages/a/package.json: declares undici, which nothing imports: remove it",
      "packages/a/package.json: declares @types/yaml, which nothing imports: remove it",
      "packages/a/package.json: declares pg in dependencies, which only tests import: move it to devDependencies",
    ]);
  });

  test("versions are exact", () => {
    const loose = { ...part("packages/a", { "src/x.ts": ["pg"] }), dependencies: { pg: "^8.0.0" } };
    expect(findProblems([loose])).toEqual(['packages/a/package.json: declares pg as "^8.0.0": pin one exact version']);
  });
});

describe("directions", () => {
  const importing = (from: string, file: string, to: string, ...others: Part[]) =>
    findProblems([part(from, { [file]: [to] }, [to]), ...others]).filter((line) => line.includes(":1: "));

  test("downwards is fine", () => {
    expect(importing("services/audit", "src/app.ts", "@plinth/kernel", kernel)).toEqual([]);
  });

  test.each([
    ["packages/kernel", "packages/rpc"],
    ["packages/rpc", "packages/postgres"],
    ["packages/clients", "packages/service"],
    ["packages/service", "cli"],
    ["proto", "packages/kernel"],
    ["cli", "services/auth"],
  ])("%s does not import %s", (from, to) => {
    const target = part(to, {});
    expect(importing(from, "src/x.ts", target.name, target)).toEqual([
      `${from}/src/x.ts:1: imports ${target.name}, which stands above or beside it (proto <- kernel <- ... <- services)`,
    ]);
  });

  test("the operator is read by the CLI and by nobody else", () => {
    const operator = part("operator", {});
    const problem = `services/auth/src/x.ts:1: imports ${operator.name}, which only cli may`;
    expect(importing("services/auth", "src/x.ts", operator.name, operator)).toEqual([problem]);
    expect(importing("cli", "src/x.ts", operator.name, operator)).toEqual([]);
  });

  test("tests may look upwards, but no service imports another one, not even there", () => {
    const rpc = part("packages/rpc", {});
    const auth = part("services/auth", {});
    expect(
      importing("packages/kernel", "test/x.test.ts", "@plinth/rpc", rpc).filter((p) => !p.includes("move")),
    ).toEqual([]);
    expect(importing("services/audit", "test/x.test.ts", "@plinth/auth", auth)).toEqual([
      "services/audit/test/x.test.ts:1: imports the service @plinth/auth: call it through @plinth/clients",
    ]);
  });

  test("a new folder wants a place", () => {
    expect(importing("toys/robot", "src/x.ts", "@plinth/kernel", kernel)).toEqual([
      "toys/robot/src/x.ts:1: toys/robot is in no layer: add it in tools/dependencies/exceptions.ts",
    ]);
  });

  test("relative imports stay inside the package", () => {
    const files = { "src/x.ts": ["./y.ts", "../test/z.ts", "../../kernel/src/clock.ts"] };
    expect(findProblems([part("packages/a", files)])).toEqual([
      "packages/a/src/x.ts:3: reaches into packages/kernel/src: import the package that owns the file by its name",
    ]);
  });

  test("the test fixtures are for tests and contract suites", () => {
    const files = { "src/x.ts": ["@plinth/testing"], "src/bus.contract.ts": ["@plinth/testing/service"] };
    expect(findProblems([part("packages/bus", files, ["@plinth/testing"]), testing])).toEqual([
      "packages/bus/src/x.ts:1: imports @plinth/testing, which is for tests only",
    ]);
    expect(findProblems([part("bench", { "src/x.ts": ["@plinth/testing"] }, ["@plinth/testing"]), testing])).toEqual(
      [],
    );
  });
});

describe("domain code", () => {
  test("imports the kernel, pure modules of Node and itself", () => {
    const files = {
      "src/domain/user.ts": ["@plinth/kernel", "node:crypto", "./email.ts"],
      "src/domain/a/b.ts": ["../user.ts"],
      "src/domain/user.test.ts": ["vitest"],
    };
    expect(findProblems([part("services/identity", files, ["@plinth/kernel"]), kernel])).toEqual([]);
  });

  test.each([
    ["node:fs", "domain code imports node:fs"],
    ["node:process", "domain code imports node:process"],
    ["drizzle-orm", "domain code imports drizzle-orm"],
    ["../store/schema.ts", "domain code imports src/store/schema.ts from outside the domain"],
  ])("does not import %s", (specifier, problem) => {
    const files = { "src/domain/user.ts": [specifier] };
    const found = findProblems([part("services/identity", files, ["drizzle-orm"])]);
    expect(found.filter((line) => line.includes("domain code"))).toEqual([expect.stringContaining(problem)]);
  });
});

describe("this repository", () => {
  const workspace = readWorkspace(root);

  test("is read: every package with its imports", () => {
    const audit = workspace.find(({ folder }) => folder === "services/audit");
    expect(audit?.imports).toContainEqual({ file: "src/main.ts", line: 1, specifier: "@plinth/service" });
    expect(workspace.map(({ folder }) => folder)).toEqual(expect.arrayContaining(["proto", "packages/kernel", "cli"]));
  });

  test("every exception is still needed", () => {
    const used = (path: string, dependency: string) =>
      workspace.some(({ folder, imports }) =>
        imports.some((i) => `${folder}/${i.file}`.startsWith(path) && packageOf(i.specifier) === dependency),
      );
    expect(domainExceptions.filter((e) => !used(e.path, e.dependency))).toEqual([]);
    expect(surplusExceptions.filter((e) => used(`${e.folder}/`, e.dependency))).toEqual([]);
  });
});
