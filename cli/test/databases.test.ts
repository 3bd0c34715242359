import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabases, type Databases, type SchemaAccess } from "../src/local/databases.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../src/local/embedded-postgres.ts";
import { openSecrets, type Secrets } from "../src/local/secrets.ts";

let folder: string;
let postgres: EmbeddedPostgres;
let secrets: Secrets;
let databases: Databases;
let notes: SchemaAccess;
let other: SchemaAccess;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-databases-"));
  secrets = await openSecrets(path.join(folder, "secrets.json"));
  postgres = await startEmbeddedPostgres({
    dataDirectory: path.join(folder, "data"),
    logFile: path.join(folder, "postgres.log"),
    superuserPassword: secrets.postgresPassword,
    preferredPort: 54_500,
  });
  databases = createDatabases(postgres, secrets);
  await databases.ensureDatabase();
  notes = await databases.ensureSchema("notes", "notes");
  other = await databases.ensureSchema("other", "other");
  await query(notes.ddlUrl, "CREATE TABLE note (id bigserial PRIMARY KEY, text text)");
  await query(other.ddlUrl, "CREATE TABLE thing (id int)");
});

afterAll(async () => {
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test("the service's role reads and writes rows of its own schema without naming it", async () => {
  await query(notes.url, "INSERT INTO note (text) VALUES ('a')");
  expect(await query(notes.url, "UPDATE note SET text = 'b' RETURNING id, text")).toEqual([{ id: "1", text: "b" }]);
  await query(notes.url, "DELETE FROM note");
});

test.each([
  "SELECT * FROM other.thing",
  "CREATE TABLE mine (id int)",
  "CREATE TABLE public.mine (id int)",
  "CREATE TEMPORARY TABLE mine (id int)",
  "CREATE SCHEMA mine",
  "DROP TABLE note",
  "ALTER TABLE note ADD COLUMN x int",
  "TRUNCATE note",
  "CREATE ROLE mine",
  "SET ROLE other",
  "SELECT pg_read_file('PG_VERSION')",
])("the service's role may not: %s", async (sql) => {
  await expect(query(notes.url, sql)).rejects.toThrow(/permission denied|must be owner/);
});

test("the role of migrations cannot reach another schema either", async () => {
  await expect(query(notes.ddlUrl, "SELECT * FROM other.thing")).rejects.toThrow(/permission denied/);
  await expect(query(notes.ddlUrl, "CREATE TABLE other.x (id int)")).rejects.toThrow(/permission denied/);
});

test("bus and discovery have tables that only their own roles can use", async () => {
  const { busUrl, discoveryUrl } = await databases.ensureInfrastructure();
  expect(await query(busUrl, "SELECT count(*)::int AS n FROM message")).toEqual([{ n: 0 }]);
  expect(await query(discoveryUrl, "SELECT count(*)::int AS n FROM instance")).toEqual([{ n: 0 }]);
  await expect(query(busUrl, "SELECT * FROM plinth_discovery.instance")).rejects.toThrow(/permission denied/);
  await query(
    discoveryUrl,
    "INSERT INTO instance (instance_id, service, host, port, lease_ends) VALUES ('a', 'notes', '127.0.0.1', 1, now() + interval '1 hour')",
  );
  await databases.forgetInstances();
  expect(await query(discoveryUrl, "SELECT count(*)::int AS n FROM instance")).toEqual([{ n: 0 }]);
  await expect(query(notes.url, "SELECT * FROM plinth_bus.message")).rejects.toThrow(/permission denied/);
});

test("everything may be repeated, and repeating repairs what was opened by hand", async () => {
  await query(postgres.url("plinth"), "GRANT ALL ON SCHEMA notes TO PUBLIC");
  await databases.ensureDatabase();
  await databases.ensureInfrastructure();
  expect(await databases.ensureSchema("notes", "notes")).toEqual(notes);
  await expect(query(other.url, "CREATE TABLE notes.x (id int)")).rejects.toThrow(/permission denied/);
  await query(notes.url, "SELECT * FROM note");
});

test("passwords are kept in a file that only the owner can read", async () => {
  const file = path.join(folder, "secrets.json");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const again = await openSecrets(file);
  expect(again.databasePassword("notes")).toBe(secrets.databasePassword("notes"));
  expect(await readFile(file, "utf8")).toContain(secrets.databasePassword("notes"));
});
