import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { logs } from "../src/commands/logs.ts";
import { captured } from "./captured.ts";

let data: string;

beforeAll(async () => {
  data = await mkdtemp(path.join(tmpdir(), "plinth-logs-"));
  await mkdir(path.join(data, "logs"));
  const at = (second: number, msg: string): string =>
    JSON.stringify({ level: "info", time: `2026-11-27T00:00:0${second}.000Z`, msg });
  await writeFile(path.join(data, "logs/auth.log"), `${at(1, "one")}\n${at(4, "four")}\n`);
  await writeFile(path.join(data, "logs/identity.log"), `${at(2, "two")}\nof two\n${at(3, "three")}\n`);
});
afterAll(() => rm(data, { recursive: true }));

async function shown(service: string | undefined, newest: number): Promise<string[]> {
  const { terminal, text } = captured();
  await logs(service, { data, lines: newest, follow: false, json: false }, terminal);
  const lines = text().split("\n").slice(0, -1);
  return lines.map((line) => line.replace(/\d\d:\d\d:\d\d info {2}/, ""));
}

test("lines of all services come in the order of their times, the newest of each", async () => {
  expect(await shown(undefined, 100)).toEqual([
    "auth     | one",
    "identity | two",
    "identity | of two",
    "identity | three",
    "auth     | four",
  ]);
  expect(await shown(undefined, 1)).toEqual(["identity | three", "auth     | four"]);
  expect(await shown("auth", 1)).toEqual(["auth | four"]);
});

test("--lines 0 shows nothing of before", async () => {
  expect(await shown(undefined, 0)).toEqual([]);
});

test("a service without a log is told, with those that have one", async () => {
  await expect(shown("audit", 1)).rejects.toThrow("there is no log of audit; there are auth, identity");
});
