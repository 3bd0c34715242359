import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { eventually } from "@plinth/testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { serverPid } from "../src/local/stale-server.ts";
import { runningInstances, runningPlatform } from "./running-platform.ts";

// Each test starts a whole platform, some of them twice.
vi.setConfig({ testTimeout: 600_000 });
/** A start bundles and makes a database, while other tests use the machine as well. */
const boundMs = 180_000;

const main = path.resolve(import.meta.dirname, "../src/main.ts");
const fixtures = path.join(import.meta.dirname, "fixtures");
const counter = path.join(fixtures, "counter");
const script = path.join(fixtures, "script");

let home: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "plinth-up-"));
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("exit", resolve));
    }
  }
  await rm(home, { recursive: true, force: true });
});

interface Invocation {
  child: ChildProcess;
  output: () => string;
  code: Promise<number | null>;
}

function plinth(...args: string[]): Invocation {
  const child = spawn(process.execPath, [main, ...args, "--data", home], { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  return { child, output: () => output, code: new Promise((resolve) => child.once("close", resolve)) };
}

const up = (...args: string[]) => plinth("up", "--no-core", ...args);

async function ready(invocation: Invocation): Promise<Invocation> {
  await eventually(() => {
    if (invocation.child.exitCode !== null) throw new Error(`ended early:\n${invocation.output()}`);
    expect(invocation.output()).toContain("Ctrl-C stops everything.");
  }, boundMs);
  return invocation;
}

async function instance(name: string, index = 0) {
  const found = (await runningInstances(home, name))[index];
  if (!found) throw new Error(`no instance of ${name}`);
  return found;
}

async function visit(port: number): Promise<Record<string, unknown>> {
  return (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as Record<string, unknown>;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("services run, come back after a crash, and Ctrl-C leaves nothing behind but the data", async () => {
  const first = await ready(up("-f", counter, script));
  const { port, pid } = await instance("counter");
  expect(await visit(port)).toMatchObject({ greeting: "hello", keyLength: 44, visits: 1 });

  process.kill(pid, "SIGKILL");
  await eventually(async () => expect(await visit(port)).toMatchObject({ visits: 2 }), boundMs);
  await eventually(() => expect(first.output()).toContain("ended by SIGKILL; starting it again"));
  // It answers a little before it is known to be ready.
  await eventually(async () => {
    const asked = plinth("status", "-o", "json");
    expect(await asked.code).toBe(0);
    expect(JSON.parse(asked.output())).toEqual(JSON.parse(JSON.stringify(await runningPlatform(home))));
  }, boundMs);

  const server = await serverPid(path.join(home, "data", "postgres"));
  const survivor = await instance("counter");
  first.child.kill("SIGINT");
  expect(await first.code).toBe(0);
  for (const gone of [server, survivor.pid]) expect(isAlive(gone ?? 0)).toBe(false);
  expect(await plinth("status").code).toBe(3);

  await ready(up("-f", counter, script));
  expect(await visit((await instance("counter")).port)).toMatchObject({ visits: 3 });
});

test("nothing outlives a supervisor that is killed, and the next start takes the data over", async () => {
  const first = await ready(up("-f", counter, script));
  const { port, pid } = await instance("counter");
  await visit(port);
  const server = await serverPid(path.join(home, "data", "postgres"));
  first.child.kill("SIGKILL");
  await first.code;
  await eventually(() => expect([pid, server ?? 0].filter(isAlive)).toEqual([]), boundMs);

  await ready(up("-f", counter, script));
  expect(await visit((await instance("counter")).port)).toMatchObject({ visits: 2 });
});

test("PostgreSQL that is killed runs again by itself, and services go on", async () => {
  const first = await ready(up("-f", counter, script));
  const { port } = await instance("counter");
  await visit(port);
  process.kill((await serverPid(path.join(home, "data", "postgres"))) ?? Number.NaN, "SIGKILL");
  await eventually(() => expect(first.output()).toContain("runs again"), boundMs);
  await eventually(async () => expect(await visit(port)).toMatchObject({ greeting: "hello" }), boundMs);
  expect((await instance("counter")).restarts).toBe(0);
});

test("a second up hands its service to the first, or shows what runs; down stops it all", async () => {
  const first = await ready(up("-f", script));
  const second = up("-f", counter);
  expect(await second.code).toBe(0);
  expect(await visit((await instance("counter")).port)).toMatchObject({ visits: 1 });

  const third = up();
  expect(await third.code).toBe(0);
  expect(third.output()).toContain("the platform runs already");
  expect(await up("--reset").code).toBe(1);

  const before = await instance("counter");
  expect(await plinth("restart", "counter").code).toBe(0);
  const after = await instance("counter");
  expect(after.pid).not.toBe(before.pid);
  // It may finish what it has in hand.
  await eventually(() => expect(isAlive(before.pid)).toBe(false), boundMs);

  expect(await plinth("down").code).toBe(0);
  expect(await first.code).toBe(0);
  expect(isAlive(after.pid)).toBe(false);
  expect(await plinth("down").code).toBe(0);
});

test("--verify stops by itself with the result; --reset starts from nothing", async () => {
  expect(await up("--verify", "-f", counter, script).code).toBe(0);
  const kept = await readFile(path.join(home, "secrets.json"), "utf8");
  await ready(up("--reset", "-f", counter, script));
  expect(await readFile(path.join(home, "secrets.json"), "utf8")).not.toBe(kept);
});

test("--replicas runs several instances, each with a port of its own", async () => {
  await ready(up("-f", script, "--replicas", "script=3"));
  const ports = await Promise.all([0, 1, 2].map(async (index) => (await instance("script", index)).port));
  expect(new Set(ports).size).toBe(3);
});

test("Ctrl-C in the middle of a start stops what was started already", async () => {
  // It never is ready, so the start is not over however late the signal comes.
  const waiting = path.join(home, "waiting");
  await cp(script, waiting, { recursive: true });
  const manifest = path.join(waiting, "platformservice.yaml");
  await writeFile(manifest, (await readFile(manifest, "utf8")).replace("name: script", "name: waiting"));
  const answer = "createServer((_, response) => response.writeHead(503).end())";
  await writeFile(
    path.join(waiting, "server.mjs"),
    `import { createServer } from "node:http";\n${answer}.listen(Number(process.env.PLINTH_PORT), "127.0.0.1");\n`,
  );
  const invocation = up("-f", counter, script, waiting);
  await eventually(() => expect(invocation.output()).toContain("PostgreSQL runs"), boundMs);
  const server = await serverPid(path.join(home, "data", "postgres"));
  invocation.child.kill("SIGINT");
  expect(await invocation.code).toBe(0);
  expect(isAlive(server ?? 0)).toBe(false);
  expect(invocation.output()).not.toContain("Plinth is ready");
});

test("a service that cannot start ends the start with its last words, and everything else stops", async () => {
  const folder = path.join(home, "broken");
  await cp(counter, folder, { recursive: true, filter: (file) => !file.includes("dist") });
  await writeFile(path.join(folder, "src", "main.ts"), `console.error("no flux capacitor"); process.exit(2);`);
  const invocation = up("-f", folder, script);
  expect(await invocation.code).toBe(1);
  expect(invocation.output()).toContain("no flux capacitor");
  expect(invocation.output()).toContain("exit code 2");
  expect(await serverPid(path.join(home, "data", "postgres"))).toBeUndefined();
});

test("a migration that fails is told with its file, and no service is started", async () => {
  const folder = path.join(home, "broken");
  await cp(counter, folder, { recursive: true, filter: (file) => !file.includes("dist") });
  await writeFile(path.join(folder, "src", "main.ts"), "process.exit(0);");
  await writeFile(path.join(folder, "migrations", "0002_broken.sql"), "CREATE TABLE visit (id int);");
  const invocation = up("-f", folder, script);
  expect(await invocation.code).toBe(1);
  expect(invocation.output()).toMatch(/counter: the database could not be migrated.*0002_broken[.]sql/s);
  expect(invocation.output()).not.toContain("script listens");
});

test("bad manifests end the start before anything happens, all problems at once", async () => {
  const file = path.join(home, "bad.yaml");
  await writeFile(
    file,
    "apiVersion: plinth.dev/v1alpha1\nkind: PlatformService\nmetadata: {name: A}\nspec: {imag: x}\n",
  );
  const invocation = up("-f", file, path.join(home, "missing.yaml"));
  expect(await invocation.code).toBe(1);
  for (const part of [
    "metadata.name must",
    "did you mean image?",
    "spec.image: is required",
    "missing.yaml: there is no such file",
  ]) {
    expect(invocation.output()).toContain(part);
  }
  expect(await plinth("status").code).toBe(3);
});

test.each([
  [["--port", "x"]],
  [["--replicas", "b=1", "-f", script]],
  [["--replicas", "a"]],
  [["--nonsense"]],
  [["extra"]],
])("wrong usage %j ends with code 2", async (args) => {
  expect(await up(...args).code).toBe(2);
});
