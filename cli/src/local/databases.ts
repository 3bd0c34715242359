import { busSchemaSql } from "@plinth/bus/schema";
import { discoverySchemaSql } from "@plinth/discovery/schema";
import pg from "pg";
import type { EmbeddedPostgres } from "./embedded-postgres.ts";
import type { Secrets } from "./secrets.ts";

/** The one database that holds every schema. */
export const databaseName = "plinth";

/** Schemas of the platform itself, each with a role of the same name that owns nothing but may use every row. */
export const infrastructure = { bus: "plinth_bus", discovery: "plinth_discovery" } as const;

export interface SchemaAccess {
  schema: string;
  /** May change the schema; only migrations use it. */
  ddlUrl: string;
  /** What the service uses: rows of its schema, nothing else. */
  url: string;
  runtimeRole: string;
}

/** Creates schemas and roles and repairs their rights. Everything may be called again at any time. */
export interface Databases {
  ensureDatabase(): Promise<void>;
  ensureInfrastructure(): Promise<{ busUrl: string; discoveryUrl: string }>;
  ensureSchema(schema: string): Promise<SchemaAccess>;
}

const identifier = pg.escapeIdentifier;
const literal = pg.escapeLiteral;

export function createDatabases(server: Pick<EmbeddedPostgres, "url" | "port">, secrets: Secrets): Databases {
  const roleUrl = (role: string) =>
    `postgres://${role}:${secrets.databasePassword(role)}@127.0.0.1:${server.port}/${databaseName}`;

  return {
    async ensureDatabase() {
      await withClient(server.url("postgres"), async (client) => {
        const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [databaseName]);
        if (rowCount === 0) await client.query(`CREATE DATABASE ${identifier(databaseName)}`);
      });
      await withClient(server.url(databaseName), (client) => run(client, closeToEveryone));
    },

    async ensureInfrastructure() {
      await withClient(server.url(databaseName), async (client) => {
        await ensureInfrastructureSchema(client, infrastructure.bus, busSchemaSql, secrets);
        await ensureInfrastructureSchema(client, infrastructure.discovery, discoverySchemaSql, secrets);
      });
      await secrets.save();
      return { busUrl: roleUrl(infrastructure.bus), discoveryUrl: roleUrl(infrastructure.discovery) };
    },

    async ensureSchema(schema) {
      const ddlRole = `${schema}_ddl`;
      await withClient(server.url(databaseName), async (client) => {
        for (const role of [ddlRole, schema]) await ensureRole(client, role, schema, secrets);
        await run(client, serviceSchema(schema, ddlRole, schema));
      });
      await secrets.save();
      return { schema, ddlUrl: roleUrl(ddlRole), url: roleUrl(schema), runtimeRole: schema };
    },
  };
}

/** PostgreSQL lets everyone connect and create temporary tables in a new database. */
const closeToEveryone = [
  `REVOKE ALL ON DATABASE ${databaseName} FROM PUBLIC`,
  "REVOKE ALL ON SCHEMA public FROM PUBLIC",
];

/** Roles have no rights by themselves: no superuser, no creation of databases or roles, no inheritance of others' rights. */
async function ensureRole(client: pg.Client, role: string, schema: string, secrets: Secrets): Promise<void> {
  const { rowCount } = await client.query("SELECT FROM pg_roles WHERE rolname = $1", [role]);
  const name = identifier(role);
  await run(client, [
    ...(rowCount === 0 ? [`CREATE ROLE ${name}`] : []),
    `ALTER ROLE ${name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${literal(secrets.databasePassword(role))}`,
    `ALTER ROLE ${name} SET search_path = ${identifier(schema)}`,
    `GRANT CONNECT ON DATABASE ${databaseName} TO ${name}`,
  ]);
}

function serviceSchema(schema: string, ddlRole: string, runtimeRole: string): string[] {
  const [name, owner, user] = [identifier(schema), identifier(ddlRole), identifier(runtimeRole)];
  const defaults = `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA ${name}`;
  return [
    `CREATE SCHEMA IF NOT EXISTS ${name} AUTHORIZATION ${owner}`,
    `ALTER SCHEMA ${name} OWNER TO ${owner}`,
    `REVOKE ALL ON SCHEMA ${name} FROM PUBLIC, ${user}`,
    `GRANT USAGE ON SCHEMA ${name} TO ${user}`,
    `${defaults} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${user}`,
    `${defaults} GRANT USAGE, SELECT ON SEQUENCES TO ${user}`,
    // New functions are executable by everyone unless this is said for the role as a whole.
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`,
    `${defaults} GRANT EXECUTE ON FUNCTIONS TO ${user}`,
  ];
}

async function ensureInfrastructureSchema(
  client: pg.Client,
  schema: string,
  ddl: string,
  secrets: Secrets,
): Promise<void> {
  const name = identifier(schema);
  await ensureRole(client, schema, schema, secrets);
  await run(client, [
    `CREATE SCHEMA IF NOT EXISTS ${name}`,
    `SET search_path = ${name}`,
    ddl,
    "RESET search_path",
    `GRANT USAGE ON SCHEMA ${name} TO ${name}`,
    `GRANT ALL ON ALL TABLES IN SCHEMA ${name} TO ${name}`,
    `GRANT ALL ON ALL SEQUENCES IN SCHEMA ${name} TO ${name}`,
  ]);
}

async function run(client: pg.Client, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await client.query(statement);
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
