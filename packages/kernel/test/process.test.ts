import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";

const program = path.join(import.meta.dirname, "fixtures/process.ts");
const good = { FIXTURE_PORT: "8080", FIXTURE_PASSWORD: "hunter2" };
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

interface Line {
  level: string;
  msg: string;
  part?: string;
  why?: string;
  err?: { message: string; cause?: { message: string } };
}

function run(env: Record<string, string>) {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: "pipe",
  });
  children.push(child);
  const lines: Line[] = [];
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(JSON.parse(line) as Line);
    for (const check of waiting) check();
  });
  return {
    child,
    lines,
    errors: () => errors,
    /** Waits for a line with this message. */
    said: (message: string) =>
      new Promise<void>((resolve) => {
        const check = () => {
          if (!lines.some((line) => line.msg === message)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    /** The exit code, once all output has been read. */
    ended: async () => (await once(child, "close"))[0] as number | null,
  };
}

const parts = (lines: Line[]) => lines.filter((line) => line.part).map((line) => `${line.part}: ${line.msg}`);
const inOrder = ["first: part started", "second: part started", "second: part stopped", "first: part stopped"];

test("bad configuration: exit code 2 and every problem on standard error, no secret among them", async () => {
  const { ended, errors, lines } = run({ FIXTURE_PORT: "70000", FIXTURE_MODE: "sideways" });
  expect(await ended()).toBe(2);
  expect(errors()).toBe(
    [
      "fixture: configuration has 3 problems:",
      '  FIXTURE_PORT must be a whole number from 1 to 65535 (it is "70000")',
      "  FIXTURE_PASSWORD is required: a password",
      '  FIXTURE_MODE must be one of nothing, compose, start, later, rejection, hang (it is "sideways")',
      "",
    ].join("\n"),
  );
  expect(lines).toEqual([]);
});

test.each(["SIGTERM", "SIGINT"] as const)("%s stops all parts in reverse order and exits with 0", async (signal) => {
  const { child, said, ended, lines } = run(good);
  await said("started");
  child.kill(signal);
  expect(await ended()).toBe(0);
  expect(parts(lines)).toEqual(inOrder);
  expect(lines.find((line) => line.msg === "stopping")).toMatchObject({ why: signal });
  expect(lines.at(-1)?.msg).toBe("stopped");
});

test("with PLINTH_EXIT_ON_STDIN_END the end of standard input stops it in order", async () => {
  const { child, said, ended, lines } = run({ ...good, PLINTH_EXIT_ON_STDIN_END: "true" });
  await said("started");
  child.stdin.end();
  expect(await ended()).toBe(0);
  expect(parts(lines)).toEqual(inOrder);
});

test("without it the end of standard input means nothing", async () => {
  const { child, said, ended, lines } = run(good);
  child.stdin.end();
  await said("started");
  child.kill("SIGTERM");
  expect(await ended()).toBe(0);
  expect(lines.find((line) => line.msg === "stopping")).toMatchObject({ why: "SIGTERM" });
});

test.each([
  ["later", "outside of any call"],
  ["rejection", "nobody waited for this"],
])("an exception nobody catches (%s) is logged, stops everything and exits with 1", async (mode, message) => {
  const { ended, lines } = run({ ...good, FIXTURE_MODE: mode });
  expect(await ended()).toBe(1);
  expect(lines.find((line) => line.msg === "uncaught exception")).toMatchObject({ level: "error", err: { message } });
  expect(parts(lines).slice(-2)).toEqual(inOrder.slice(-2));
});

test("a part that does not start: the started ones stop, the reason is logged, exit code 1", async () => {
  const { ended, lines } = run({ ...good, FIXTURE_MODE: "start" });
  expect(await ended()).toBe(1);
  expect(parts(lines)).toEqual(["first: part started", "second: part stopped", "first: part stopped"]);
  expect(lines.at(-1)).toMatchObject({
    level: "error",
    msg: "could not start",
    err: { message: "second did not start: the port is taken", cause: { message: "the port is taken" } },
  });
});

test("what cannot be composed is logged with its reason, exit code 1", async () => {
  const { ended, lines } = run({ ...good, FIXTURE_MODE: "compose" });
  expect(await ended()).toBe(1);
  expect(lines).toMatchObject([{ level: "error", msg: "could not be composed", err: { message: "wired wrongly" } }]);
});

test("a signal while it still starts stops what runs already", async () => {
  const { child, said, ended, lines } = run({ ...good, FIXTURE_MODE: "hang" });
  await said("part started");
  child.kill("SIGTERM");
  expect(await ended()).toBe(0);
  expect(parts(lines)).toEqual(["first: part started", "second: part stopped", "first: part stopped"]);
});
