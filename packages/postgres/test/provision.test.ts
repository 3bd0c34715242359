import { createTestDatabase, type TestDatabase } from "@plinth/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dropSchema, ensureSchema, roleUrl, type SchemaDefinition } from "../src/provision/index.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase("unused");
});
afterAll(() => database.drop());

async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const definition = (schema: string, owner?: string): SchemaDefinition => ({
  database: new URL(database.adminUrl).pathname.slice(1),
  schema,
  ddl: { role: `${schema}_ddl`, password: "one" },
  runtime: { role: schema, password: "two" },
  ...(owner ? { owner } : {}),
});

const query = (url: string, sql: string) => connected(url, async (client) => (await client.query(sql)).rows);
const ensure = (url: string, wanted: SchemaDefinition) => connected(url, (client) => ensureSchema(client, wanted));
const drop = (url: string, schema: string, owner: string) =>
  connected(url, (client) => dropSchema(client, { schema, roles: [schema, `${schema}_ddl`], owner }));

/** An administrator as managed servers give it: no superuser, may create roles, owns the database. */
async function plainAdministrator(): Promise<string> {
  const name = `${database.runtimeRole}_admin`;
  await database.admin(`CREATE ROLE ${name} LOGIN CREATEROLE PASSWORD 'admin'`);
  await database.admin(`ALTER DATABASE ${new URL(database.adminUrl).pathname.slice(1)} OWNER TO ${name}`);
  return roleUrl(database.adminUrl, name, "admin");
}

describe.each([
  ["a superuser", async () => database.adminUrl, "prov_super"],
  ["an administrator without superuser rights", plainAdministrator, "prov_plain"],
] as const)("as %s", (_, administrator, schema) => {
  let url: string;
  beforeAll(async () => {
    url = await administrator();
  });

  test("makes a schema in which one role makes tables and the other uses their rows", async () => {
    await ensure(url, definition(schema, "default/a"));
    await query(roleUrl(database.adminUrl, `${schema}_ddl`, "one"), "CREATE TABLE note (id int)");
    const service = roleUrl(database.adminUrl, schema, "two");
    await query(service, "INSERT INTO note VALUES (1)");
    await expect(query(service, "CREATE TABLE other (id int)")).rejects.toThrow("permission denied");
  });

  test("changes the password when it is told another one, and nothing else", async () => {
    await ensure(url, { ...definition(schema, "default/a"), runtime: { role: schema, password: "three" } });
    expect(await query(roleUrl(database.adminUrl, schema, "three"), "SELECT id FROM note")).toEqual([{ id: 1 }]);
  });

  test("refuses what belongs to another owner, and changes nothing of it", async () => {
    await expect(ensure(url, definition(schema, "default/b"))).rejects.toMatchObject({
      reason: "SCHEMA_TAKEN",
      message: expect.stringContaining("belongs to default/a"),
    });
    await query(roleUrl(database.adminUrl, schema, "three"), "SELECT 1");
  });

  test("drops only what belongs to the owner, although somebody is connected", async () => {
    expect(await drop(url, schema, "default/b")).toEqual([]);
    const user = new pg.Client({ connectionString: roleUrl(database.adminUrl, schema, "three") });
    const cut = new Promise((resolve) => user.on("error", resolve));
    await user.connect();
    expect((await drop(url, schema, "default/a")).toSorted()).toEqual([schema, schema, `${schema}_ddl`]);
    await cut;
    expect(await drop(url, schema, "default/a"), "a second time there is nothing").toEqual([]);
    expect(await database.admin(`SELECT 1 FROM pg_roles WHERE rolname LIKE '${schema}%'`)).toEqual([]);
  });

  if (schema === "prov_plain") {
    afterAll(async () => {
      await database.admin(`ALTER DATABASE ${new URL(database.adminUrl).pathname.slice(1)} OWNER TO postgres`);
      await database.admin(`DROP ROLE ${database.runtimeRole}_admin`);
    });
  }
});

test("takes over no schema or role that somebody made by hand, until it carries the owner's mark", async () => {
  await database.admin("CREATE SCHEMA prov_byhand");
  await expect(ensure(database.adminUrl, definition("prov_byhand", "default/a"))).rejects.toThrow(
    "was not made by Plinth",
  );
  await database.admin("COMMENT ON SCHEMA prov_byhand IS 'plinth: default/a'");
  await ensure(database.adminUrl, definition("prov_byhand", "default/a"));
  await drop(database.adminUrl, "prov_byhand", "default/a");
});

test("without an owner it takes what is there, as the local substrate does", async () => {
  await ensure(database.adminUrl, definition("prov_anyone"));
  await ensure(database.adminUrl, definition("prov_anyone"));
  await database.admin(
    "DROP SCHEMA prov_anyone CASCADE; DROP OWNED BY prov_anyone, prov_anyone_ddl; DROP ROLE prov_anyone, prov_anyone_ddl",
  );
});

test("a role's URL keeps the server's parameters", () => {
  expect(roleUrl("postgres://admin:x@db.example.com:6432/plinth?sslmode=verify-full", "notes", "a/b")).toBe(
    "postgres://notes:a%2Fb@db.example.com:6432/plinth?sslmode=verify-full",
  );
});
