import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";

export interface TestDatabase {
  /** Superuser URL of this database. */
  adminUrl: string;
  /** Owner of the schema: may change it. */
  ddlUrl: string;
  /** What a service uses: may read and write rows of its schema. */
  url: string;
  schema: string;
  runtimeRole: string;
  /** Runs SQL as superuser. */
  admin(sql: string): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

/** A new database with one schema, its DDL role and its runtime role, set up as the substrates do it. */
export async function createTestDatabase(schema: string): Promise<TestDatabase> {
  const name = `test_${schema}_${randomBytes(5).toString("hex")}`;
  const server = new URL(inject("postgresUrl"));
  const ddlRole = `${name}_ddl`;
  await withClient(server, async (client) => {
    await client.query(`CREATE DATABASE ${name}`);
    await client.query(`CREATE ROLE ${ddlRole} LOGIN PASSWORD 'test'`);
    await client.query(`CREATE ROLE ${name} LOGIN PASSWORD 'test'`);
    for (const role of [ddlRole, name]) await client.query(`ALTER ROLE ${role} SET search_path = ${schema}`);
  });
  const adminUrl = withPath(server, name);
  await withClient(adminUrl, async (client) => {
    await client.query(`CREATE SCHEMA ${schema} AUTHORIZATION ${ddlRole}`);
    await client.query(`GRANT USAGE ON SCHEMA ${schema} TO ${name}`);
    await client.query(
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${ddlRole} IN SCHEMA ${schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${name}`,
    );
    await client.query(
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${ddlRole} IN SCHEMA ${schema} GRANT USAGE, SELECT ON SEQUENCES TO ${name}`,
    );
  });
  return {
    adminUrl: adminUrl.href,
    ddlUrl: withUser(adminUrl, ddlRole),
    url: withUser(adminUrl, name),
    schema,
    runtimeRole: name,
    admin: (sql) => withClient(adminUrl, async (client) => (await client.query(sql)).rows),
    drop: () =>
      withClient(server, async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
        await client.query(`DROP ROLE IF EXISTS ${name}`);
        await client.query(`DROP ROLE IF EXISTS ${ddlRole}`);
      }),
  };
}

function withPath(base: URL, database: string): URL {
  const url = new URL(base);
  url.pathname = `/${database}`;
  return url;
}

function withUser(base: URL, user: string): string {
  const url = new URL(base);
  url.username = user;
  url.password = "test";
  return url.href;
}

async function withClient<T>(url: URL, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
