import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { bundleService, isBundled } from "../src/local/bundle.ts";
import { createLibraries } from "../src/reload/libraries.ts";
import { createRebuild, type Rebuild, type Rebuilt } from "../src/reload/rebuild.ts";
import { repository } from "../src/repository.ts";
import { writeSources } from "./write-sources.ts";

const run = promisify(execFile);
let parent: string;
let home: string;
let folder: string;
let builder: Rebuild;

beforeAll(async () => {
  // Below this package, so that node_modules is found from there.
  parent = await mkdtemp(path.join(import.meta.dirname, "tmp-rebuild-"));
  // Elsewhere, so that nothing is found from there; its name means something else in a URL.
  home = await mkdtemp(path.join(tmpdir(), "plinth libraries %20#?-"));
  builder = createRebuild(createLibraries(home));
});
afterAll(async () => {
  for (const made of [parent, home]) await rm(made, { recursive: true, force: true });
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(parent, "service-"));
  await write({ "package.json": '{"type": "module"}' });
});

const write = (files: Record<string, string>): Promise<void> => writeSources(folder, files);

async function rebuilt(of: string = folder, by: Rebuild = builder): Promise<Rebuilt> {
  const [result] = await by.rebuild([of]);
  if (!result || result instanceof Error) throw result ?? new Error("nothing came");
  return result;
}

// Read by the check of this package's own imports, were it written out.
const load = "import";

const bundle = () => path.join(folder, "dist", "main.js");
const runs = async () => (await run(process.execPath, [bundle()])).stdout;

/** What the service prints as a whole bundle, and as its own code beside libraries. */
async function bothWays(): Promise<[string, string]> {
  await bundleService(folder);
  const whole = await runs();
  await (await rebuilt()).write();
  expect(await isBundled(folder)).toBe(false);
  return [whole, await runs()];
}

test("libraries behave as in the whole bundle, CommonJS, native code and workers included", async () => {
  await write({
    "src/main.ts": `
      import { hash } from "@node-rs/argon2";
      import * as api from "@opentelemetry/api";
      import { resourceFromAttributes } from "@opentelemetry/resources";
      import Redis, { Cluster } from "ioredis";
      import { decodeJwt, errors } from "jose";
      import kafka, { Kafka } from "kafkajs";
      import pg from "pg";
      import pino, { stdTimeFunctions } from "pino";
      import { Worker } from "node:worker_threads";
      const kinds = [Redis, Cluster, decodeJwt, errors, kafka, Kafka, pg, pg.Pool, pino, stdTimeFunctions, api];
      const lines = kinds.map((value) => typeof value + ":" + Object.keys(value).sort().join());
      lines.push(String(kafka.Kafka === Kafka), JSON.stringify(resourceFromAttributes({ a: 1 }).attributes));
      const { drizzle } = await ${load}("drizzle-orm/node-postgres");
      lines.push(typeof drizzle, (await hash("x")).slice(0, 9));
      const worker = new Worker(new URL("./double.worker.js", import.meta.url), { workerData: 21 });
      worker.once("message", (said) => console.log([...lines, said].join("\\n")));`,
    "src/double.worker.ts": `
      import bcrypt from "bcryptjs";
      import { parentPort, workerData } from "node:worker_threads";
      parentPort?.postMessage((workerData as number) * 2 + typeof bcrypt.compare);`,
  });
  const [whole, apart] = await bothWays();
  expect(whole).toContain("$argon2id\n42function\n");
  expect(apart).toBe(whole);
  // No library is in it.
  const { files } = await rebuilt();
  expect(files.map((file) => path.relative(folder, file)).sort()).toEqual(["src/double.worker.ts", "src/main.ts"]);
});

test("every shape of a package is imported as in the whole bundle, and is there once", async () => {
  const packages: Record<string, Record<string, string>> = {
    compiled: {
      "index.js": "exports.__esModule = true; exports.default = 'own default'; exports.named = 'named'; exports.n = 0;",
    },
    plain: { "index.js": "module.exports = Object.assign(() => 'called', { named: 'named', 'a-b': 1 });" },
    stars: { "package.json": '{"type": "module"}', "index.js": 'export * from "compiled"; export const own = 1;' },
    counts: {
      "package.json": '{"type": "module"}',
      "index.js": 'import compiled from "compiled"; compiled.n++; export const count = () => compiled.n;',
    },
    odd: { "package.json": '{"type": "module"}', "index.js": 'const a = 1; export { a as "a-b", a as default };' },
    native: {
      "package.json": '{"gypfile": true}',
      "index.js": "exports.folder = require('node:path').basename(__dirname);",
    },
    wraps: { "index.js": "module.exports = require('native').folder;" },
    data: { "index.json": '{"is": "data"}' },
  };
  for (const [name, files] of Object.entries(packages))
    for (const [file, text] of Object.entries({ "package.json": "{}", ...files }))
      await write({ [`node_modules/${name}/${file}`]: text });
  await write({
    "src/main.ts": `
      import * as all from "compiled";
      import compiled, { named } from "compiled";
      import { count } from "counts";
      import data from "data/index.json";
      import plain, { named as other, "a-b" as ab } from "plain";
      import wrapped from "wraps";
      import odd, { "a-b" as oddest } from "odd";
      const later = await ${load}("plain");
      const keys = (value: object) => Object.keys(value).sort().join();
      console.log(keys(all), compiled, named, data, plain(), other, ab, odd, oddest, count(), keys(later), later.default(), wrapped);`,
  });
  const [whole, apart] = await bothWays();
  expect(whole).toContain("own default");
  expect(apart).toBe(whole);
  expect((await rebuilt()).files).toEqual([path.join(folder, "src/main.ts")]);
  // Of what another package hands on, only the whole knows the names.
  await write({ "src/main.ts": 'import { named, own } from "stars"; console.log(named, own);' });
  await (await rebuilt()).write();
  expect(await runs()).toBe("named 1\n");
});

test("the same code is the same, made of one set of libraries; another import makes the set anew", async () => {
  const by = createRebuild(createLibraries(path.join(folder, "libraries")));
  const sets = async () => (await readdir(path.join(folder, "libraries"))).sort();
  await write({ "src/main.ts": 'import pg from "pg";\nconsole.log(typeof pg.Client);' });
  const first = await rebuilt(folder, by);
  const made = await sets();
  expect(made).toHaveLength(1);
  await write({ "src/main.ts": '// A remark.\nimport pg from "pg";\nconsole.log(typeof pg.Client);' });
  const second = await rebuilt(folder, by);
  expect(second.hash).toBe(first.hash);
  expect(await first.isThere()).toBe(false);
  await second.write();
  expect(await second.isThere()).toBe(true);
  expect(await sets()).toEqual(made);
  await write({
    "src/main.ts": 'import pg from "pg";\nimport { Kafka } from "kafkajs";\nconsole.log(typeof Kafka, typeof pg.Pool);',
  });
  const third = await rebuilt(folder, by);
  expect(third.hash).not.toBe(first.hash);
  await third.write();
  expect(await runs()).toBe("function function\n");
  expect(await sets()).toHaveLength(2);
  // A process may still run on the first set, but not at the next start.
  await by.bundle([folder], true);
  const next = createRebuild(createLibraries(path.join(folder, "libraries")));
  await next.bundle([folder], false);
  expect(await sets()).toHaveLength(1);
  expect((await rebuilt(folder, next)).hash).toBe(third.hash);
  expect(await runs()).toBe("function function\n");
});

test("a package that is installed anew is bundled anew", async () => {
  const install = (version: string) =>
    write({
      "node_modules/dependency/package.json": JSON.stringify({ name: "dependency", version }),
      "node_modules/dependency/index.js": `module.exports = ${JSON.stringify(version)};`,
    });
  await install("1");
  await write({ "src/main.ts": 'import version from "dependency";\nconsole.log(version);' });
  const first = await rebuilt();
  await first.write();
  expect(await runs()).toBe("1\n");
  await install("2.0");
  const second = await rebuilt();
  expect(second.hash).not.toBe(first.hash);
  await second.write();
  expect(await runs()).toBe("2.0\n");
});

test.for([
  [
    'import { nothing } from "./not-there.ts"; console.log(nothing);',
    /main[.]ts:1:24: Could not resolve "[.][/]not-there[.]ts"/,
  ],
  [
    'import { nothing } from "jose"; console.log(nothing);',
    /main[.]ts:1:9: No matching export in ".*jose.*" for import "nothing"/,
  ],
  ['import nothing from "not-installed"; console.log(nothing);', /main[.]ts:1:20: Could not resolve "not-installed"/],
  ["export const = 1;", /main[.]ts:1:13: Expected identifier/],
] as const)("a mistake is told as by the whole bundle: %s", async ([text, told]) => {
  await write({ "src/main.ts": text });
  await expect(bundleService(folder)).rejects.toThrow(told);
  const [apart] = await builder.rebuild([folder]);
  expect(apart).toBeInstanceOf(Error);
  expect((apart as Error).message).toMatch(told);
});

test("the code of all services finds all it needs of the libraries, whatever it loads later included", async () => {
  const names = await readdir(path.join(repository, "services"));
  const copies = names.map((name) => path.join(folder, name));
  for (const [index, name] of names.entries()) {
    const from = path.join(repository, "services", name);
    for (const part of ["src", "package.json"])
      await cp(path.join(from, part), path.join(copies[index] ?? "", part), { recursive: true });
  }
  const libraries = path.join(folder, "libraries");
  const results = await createRebuild(createLibraries(libraries)).rebuild(copies);
  for (const [index, copy] of copies.entries()) {
    const result = results[index];
    if (!result || result instanceof Error) throw result ?? new Error("nothing came");
    await result.write();
    expect(await isBundled(copy)).toBe(false);
    const chunks = (await readdir(path.join(copy, "dist/chunks"))).filter((file) => file.endsWith(".js"));
    expect(chunks).not.toEqual([]);
    const all = chunks
      .map((chunk) => `await import(${JSON.stringify(path.join(copy, "dist/chunks", chunk))});`)
      .join("\n");
    await run(process.execPath, ["--input-type=module", "-e", `${all}\nprocess.exit();`]);
    const started = await run(process.execPath, [path.join(copy, "dist/main.js")], { env: {} }).catch((err) => err);
    expect(started).toMatchObject({ code: 2, stderr: expect.stringMatching(/configuration has \d+ problem/) });
  }
  expect(await readdir(libraries)).toHaveLength(1);
});
