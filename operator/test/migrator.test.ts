import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger, systemClock } from "@plinth/kernel";
import { createTestDatabase, type TestDatabase } from "@plinth/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runMigrator } from "../src/migrator/run-migrator.ts";

let database: TestDatabase;
let folder: string;

beforeEach(async () => {
  database = await createTestDatabase("notes");
  folder = await mkdtemp(path.join(tmpdir(), "plinth-migrator-"));
});
afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const file = (name: string, sql: string): Promise<void> => writeFile(path.join(folder, name), sql);
const report = (): Promise<string> => readFile(path.join(folder, "report"), "utf8");

const run = (overrides: { databaseUrl?: string; timeoutMs?: number } = {}): Promise<number> =>
  runMigrator({
    config: {
      databaseUrl: database.ddlUrl,
      schema: database.schema,
      runtimeRole: database.runtimeRole,
      path: folder,
      platformPath: path.resolve(import.meta.dirname, "../../packages/postgres/migrations"),
      timeoutMs: 60_000,
      reportFile: path.join(folder, "report"),
      ...overrides,
    },
    logger: silentLogger,
    clock: systemClock,
  });

test("applies what is pending and reports how many there are", async () => {
  await file("0001_create_note.sql", "CREATE TABLE note (id int)");
  await file("0002_add_text.sql", "ALTER TABLE note ADD COLUMN text text");
  expect(await run()).toBe(0);
  expect(await report()).toBe("result: applied=2 pending=0");
  expect(await run(), "a second time").toBe(0);
});

test("a migration that fails: hopeless, says where, and how far it got", async () => {
  await file("0001_create_note.sql", "CREATE TABLE note (id int)");
  await file("0002_broken.sql", "ALTER TABLE nope ADD COLUMN x int");
  expect(await run()).toBe(3);
  expect(await report()).toBe('0002_broken.sql: relation "nope" does not exist\nresult: applied=1 pending=1');
});

test("two at once: both end well, each file runs once", async () => {
  await file("0001_create_note.sql", "CREATE TABLE note (id int); INSERT INTO note VALUES (1)");
  expect(await Promise.all([run(), run()])).toEqual([0, 0]);
  expect(await database.admin("SELECT id FROM notes.note")).toEqual([{ id: 1 }]);
});

test("a statement that takes too long is ended", async () => {
  await file("0001_slow.sql", "SELECT pg_sleep(30)");
  expect(await run({ timeoutMs: 200 })).toBe(3);
  expect(await report()).toContain("statement timeout");
});

test("a server that is away is worth another try", async () => {
  expect(await run({ databaseUrl: "postgres://nobody:x@127.0.0.1:1/none" })).toBe(1);
  expect(await report()).toContain("ECONNREFUSED");
});
