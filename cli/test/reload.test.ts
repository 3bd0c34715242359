import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { eventually } from "@plinth/testing";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { runningInstances } from "./running-platform.ts";

// A saved file is built while other tests use the machine as well.
vi.setConfig({ testTimeout: 600_000 });
const boundMs = 180_000;

const main = path.resolve(import.meta.dirname, "../src/main.ts");
const fixtures = path.join(import.meta.dirname, "fixtures");

let home: string;
let folder: string;
let child: ChildProcess;
let output = "";

const source = (name: string) => path.join(folder, "src", name);
const greeter = (word: string) => `export const greeting: string = ${JSON.stringify(word)};\n`;

beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), "plinth-reload-"));
  // Below this package, so that node_modules is found from there.
  folder = await mkdtemp(path.join(import.meta.dirname, "tmp-reload-"));
  await cp(path.join(fixtures, "counter"), folder, { recursive: true, filter: (file) => !file.includes("dist") });
  await mkdir(path.join(folder, "proto"));
  await writeFile(source("greeting.ts"), greeter("first"));
  const text = await readFile(source("main.ts"), "utf8");
  const edited = text.replace("const { COUNTER_GREETING: greeting,", "const {");
  await writeFile(source("main.ts"), `import { greeting } from "./greeting.ts";\n${edited}`);
  const args = ["up", "--no-core", "--watch", "--data", home, "-f", folder, path.join(fixtures, "script")];
  child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
  await eventually(() => {
    if (child.exitCode !== null) throw new Error(`ended early:\n${output}`);
    expect(output).toContain("Ctrl-C stops everything.");
  }, boundMs);
}, boundMs + 10_000);

afterAll(async () => {
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await gone;
  await rm(home, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
});

async function counter() {
  const [instance] = await runningInstances(home, "counter");
  if (!instance) throw new Error("counter does not run");
  return instance;
}

async function greeting(): Promise<unknown> {
  const { port } = await counter();
  return ((await (await fetch(`http://127.0.0.1:${port}/`)).json()) as { greeting: string }).greeting;
}

/** Runs `change` and waits until something is said that was not said before. */
async function said(change: () => Promise<unknown>, what: RegExp): Promise<string> {
  const from = output.length;
  await change();
  await eventually(() => expect(output.slice(from)).toMatch(what), boundMs);
  return output.slice(from);
}

/** Saves, and waits until the service runs that. A save that is seen half-way may give two reloads. */
async function becomes(word: string, save: () => Promise<unknown>): Promise<void> {
  await save();
  await eventually(async () => expect(await greeting()).toBe(word), boundMs);
}

/** Waits until all that was saved has been dealt with, and returns what was said meanwhile: what is saved after it comes after it. */
async function settled(): Promise<string> {
  const file = path.join(folder, "platformservice.yaml");
  const text = await readFile(file, "utf8");
  const lines = await said(() => writeFile(file, "nonsense: true\n"), /platformservice[.]yaml:1:1/);
  await writeFile(`${file}~`, text);
  await rename(`${file}~`, file);
  return lines;
}
afterEach(async () => void (await settled()));

test("a saved file replaces the process, and one that changes nothing leaves it alone", async () => {
  expect(await greeting()).toBe("first");
  const before = await counter();
  // Editors write beside the file and rename.
  const lines = await said(async () => {
    await writeFile(source("greeting.ts~"), greeter("second"));
    await rename(source("greeting.ts~"), source("greeting.ts"));
  }, /counter +\| reloaded in \d+[.]\d s: .*greeting[.]ts\n/);
  expect(lines).not.toContain("built");
  expect(await greeting()).toBe("second");
  const after = await counter();
  expect(after.pid).not.toBe(before.pid);

  await writeFile(source("greeting.ts"), `// a remark\n${greeter("second")}`);
  expect(await settled()).not.toContain("reloaded");
  expect((await counter()).pid).toBe(after.pid);
});

test("what cannot be built, or does not run, leaves the old process; the fix goes on", async () => {
  const before = await counter();
  const broken = await said(
    () => writeFile(source("greeting.ts"), "export const greeting = ;\n"),
    // Of a file that is not whole yet, something else is said before.
    /Unexpected ";".*the one before runs on/s,
  );
  expect(broken).toMatch(/counter +\| ! .* cannot be built:\n.*greeting[.]ts:1:24: Unexpected ";"/);
  expect((await counter()).pid).toBe(before.pid);

  const crashing = await said(
    () => writeFile(source("greeting.ts"), `throw new Error("no greeting today");\n${greeter("x")}`),
    /does not run, so the one before runs on.*no greeting today/,
  );
  expect(crashing).not.toContain("reloaded");
  expect((await counter()).pid).toBe(before.pid);
  expect(await greeting()).toBe("second");

  await becomes("third", () => writeFile(source("greeting.ts"), greeter("third")));
});

test("an import of what is not there yet is built once it is there, in a new folder as well", async () => {
  const text = `export { greeting } from "./words/word.ts";\n`;
  await said(
    () => writeFile(source("greeting.ts"), text),
    /greeting[.]ts:1:25: Could not resolve "[.]\/words\/word[.]ts"/,
  );
  await becomes("fourth", async () => {
    await mkdir(source("words"));
    await writeFile(source("words/word.ts"), greeter("fourth"));
  });
});

test("a library that was not asked for before is there, and a restart runs the same code", async () => {
  const text = 'import { Command } from "commander";\nexport const greeting: string = new Command("fifth").name();\n';
  await becomes("fifth", () => writeFile(source("greeting.ts"), text));
  await settled();
  const before = await counter();
  const restarted = spawn(process.execPath, [main, "restart", "counter", "--data", home], { stdio: "ignore" });
  const [code] = (await once(restarted, "exit")) as [number | null];
  expect(code).toBe(0);
  expect((await counter()).pid).not.toBe(before.pid);
  expect(await greeting()).toBe("fifth");
  // The next save is compared with what the restart built.
  await becomes("sixth", () => writeFile(source("greeting.ts"), greeter("sixth")));
});

test("a changed manifest is taken over, and a wrong one is told with its place", async () => {
  const file = path.join(folder, "platformservice.yaml");
  const text = await readFile(file, "utf8");
  const before = await counter();
  const wrong = text.replace("image: fixture/counter:1", "image: fixture/counter:1\n  replicas: many");
  const told = await said(() => writeFile(file, wrong), /platformservice[.]yaml:7:\d+: spec[.]replicas/);
  expect(told).not.toContain("reloaded");
  const other = text.replace("COUNTER_GREETING, value: hello", "COUNTER_GREETING, value: other");
  await said(() => writeFile(file, other), /counter +\| reloaded in .*platformservice[.]yaml\n/);
  expect((await counter()).pid).not.toBe(before.pid);
});

test("migrations are never applied by a save: a new one waits, an edited one is told at once", async () => {
  const migrations = path.join(folder, "migrations");
  const next = path.join(migrations, "0002_add_note.sql");
  await said(
    () => writeFile(next, "ALTER TABLE visit ADD COLUMN note text;\n"),
    /0002_add_note[.]sql not applied yet.*npx plinth restart counter/,
  );
  const first = path.join(migrations, "0001_create_visit.sql");
  const text = await readFile(first, "utf8");
  await said(
    () => writeFile(first, `${text}-- edited\n`),
    /counter +\| ! 0001_create_visit[.]sql was changed after it had been applied/,
  );
  await writeFile(first, text);
});

test("an edited API says how its code is made", async () => {
  const file = path.join(folder, "proto", "a.proto");
  await said(() => writeFile(file, `syntax = "proto3";\n`), /a[.]proto changed: generate its code/);
});
