import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger, systemClock } from "@plinth/kernel";
import { createTestDatabase, type TestDatabase } from "@plinth/testing";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { migrate } from "../src/index.ts";
import { pendingMigrations } from "../src/migrate/migrate.ts";
import { migrationStatus } from "../src/migrate/migration-status.ts";

let database: TestDatabase;
let directory: string;

beforeEach(async () => {
  database = await createTestDatabase("shop");
  directory = await mkdtemp(path.join(tmpdir(), "plinth-migrations-"));
  await writeFile(path.join(directory, "0001_create_item.sql"), "CREATE TABLE item (id integer PRIMARY KEY);");
});

afterEach(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});

const run = () =>
  migrate({
    url: database.ddlUrl,
    schema: "shop",
    runtimeRole: database.runtimeRole,
    directory,
    logger: silentLogger,
    clock: systemClock,
  });

describe("migrate", () => {
  test("applies each file once and tells which", async () => {
    expect((await run()).applied).toEqual([
      ...["0001_outbox_inbox.sql", "0002_outbox_slots.sql", "0003_event_attributes.sql"],
      "0001_create_item.sql",
    ]);
    expect((await run()).applied).toEqual([]);
  });

  test("several migrators at once apply each file once", async () => {
    await writeFile(path.join(directory, "0002_slow.sql"), "SELECT pg_sleep(0.2); INSERT INTO item VALUES (1);");
    const results = await Promise.all([run(), run(), run(), run()]);
    expect(results.flatMap((r) => r.applied).filter((name) => name === "0002_slow.sql")).toHaveLength(1);
    expect(await database.admin("SELECT count(*)::int AS n FROM shop.item")).toEqual([{ n: 1 }]);
  });

  test("refuses an edited file by name and changes nothing", async () => {
    await run();
    await writeFile(path.join(directory, "0001_create_item.sql"), "CREATE TABLE item (id bigint PRIMARY KEY);");
    await expect(run()).rejects.toMatchObject({
      reason: "MIGRATION_EDITED",
      message: expect.stringContaining("0001_create_item.sql"),
    });
  });

  test("what waits to be applied is told without applying it, and an edited file as when migrating", async () => {
    await run();
    const check = () => pendingMigrations({ url: database.ddlUrl, schema: "shop", directory });
    expect(await check()).toEqual([]);
    await writeFile(path.join(directory, "0002_more.sql"), "CREATE TABLE more (id integer);");
    expect(await check()).toEqual(["0002_more.sql"]);
    expect(await database.admin("SELECT to_regclass('shop.more') AS more")).toEqual([{ more: null }]);
    await writeFile(path.join(directory, "0001_create_item.sql"), "SELECT 1;");
    await expect(check()).rejects.toMatchObject({ reason: "MIGRATION_EDITED" });
  });

  test("a failing file is rolled back whole, its line is named, and a repaired one applies", async () => {
    const bad = path.join(directory, "0002_bad.sql");
    await writeFile(bad, "CREATE TABLE half (id integer);\nSELECT 1;\nCREATE TABEL broken;");
    await expect(run()).rejects.toMatchObject({
      reason: "MIGRATION_FAILED",
      message: expect.stringContaining("0002_bad.sql line 3"),
    });
    expect(await database.admin("SELECT to_regclass('shop.half') AS half")).toEqual([{ half: null }]);
    await writeFile(bad, "CREATE TABLE half (id integer);");
    expect((await run()).applied).toEqual(["0002_bad.sql"]);
  });

  test("refuses a number below the latest applied one", async () => {
    await writeFile(path.join(directory, "0005_later.sql"), "SELECT 1;");
    await run();
    await writeFile(path.join(directory, "0003_late.sql"), "SELECT 1;");
    await expect(run()).rejects.toMatchObject({ reason: "MIGRATION_OUT_OF_ORDER" });
  });

  test("an older version of the code runs on a newer schema", async () => {
    await writeFile(path.join(directory, "0002_newer.sql"), "SELECT 1;");
    await run();
    await rm(path.join(directory, "0002_newer.sql"));
    expect(await run()).toEqual({ applied: [], ahead: [2] });
  });

  test("the runtime role works with rows and cannot change the schema", async () => {
    await run();
    const pg = (await import("pg")).default;
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query("INSERT INTO item VALUES (7)");
    await expect(client.query("CREATE TABLE mine (id integer)")).rejects.toThrow(/permission denied/);
    await expect(client.query("DROP TABLE item")).rejects.toThrow(/must be owner/);
    await client.end();
  });
});

test("migrationStatus tells what a schema lacks, what was edited, and what it has more, and changes nothing", async () => {
  const client = new pg.Client({ connectionString: database.ddlUrl });
  await client.connect();
  const status = () => migrationStatus(client, { schema: "shop", directory });
  try {
    expect(await status()).toEqual({ pending: ["0001_create_item.sql"], edited: [], ahead: [] });
    await run();
    expect(await status()).toEqual({ pending: [], edited: [], ahead: [] });
    await writeFile(path.join(directory, "0002_more.sql"), "SELECT 1;");
    await writeFile(path.join(directory, "0001_create_item.sql"), "CREATE TABLE item (id bigint);");
    expect(await status()).toEqual({ pending: ["0002_more.sql"], edited: ["0001_create_item.sql"], ahead: [] });
    await rm(path.join(directory, "0001_create_item.sql"));
    expect((await status()).ahead).toEqual(["0001_create_item.sql"]);
  } finally {
    await client.end();
  }
});
