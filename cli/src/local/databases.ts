import { busSchemaSql } from "@plinth/bus/schema";
import { discoverySchemaSql } from "@plinth/discovery/schema";
import { closeDatabase, ensureDatabase, ensureInfrastructure, ensureSchema } from "@plinth/postgres/provision";
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
  /** Empties the registry: for who knows that no instance runs, whatever a killed run or a backup has left in it. */
  forgetInstances(): Promise<void>;
  /** Throws Fault already_exists for a schema of another owner, which is written down in the database. */
  ensureSchema(schema: string, owner: string): Promise<SchemaAccess>;
}

export interface DatabaseServer extends Pick<EmbeddedPostgres, "url" | "port"> {
  /** Default: this machine. */
  host?: string;
}

export function createDatabases(server: DatabaseServer, secrets: Secrets): Databases {
  const roleUrl = (role: string) => databaseUrl(server, secrets, role);
  const withRole = (role: string) => ({ role, password: secrets.databasePassword(role) });

  return {
    async ensureDatabase() {
      await withClient(server.url("postgres"), (client) => ensureDatabase(client, databaseName));
      await withClient(server.url(databaseName), (client) => closeDatabase(client, databaseName));
    },

    async ensureInfrastructure() {
      const schemas = [
        { schema: infrastructure.bus, ddl: busSchemaSql },
        { schema: infrastructure.discovery, ddl: discoverySchemaSql },
      ];
      await withClient(server.url(databaseName), async (client) => {
        for (const { schema, ddl } of schemas) {
          const { password } = withRole(schema);
          await ensureInfrastructure(client, { database: databaseName, schema, password, ddl });
        }
      });
      await secrets.save();
      return { busUrl: roleUrl(infrastructure.bus), discoveryUrl: roleUrl(infrastructure.discovery) };
    },

    async forgetInstances() {
      await withClient(server.url(databaseName), async (client) => {
        await client.query(`DELETE FROM ${infrastructure.discovery}.instance`);
      });
    },

    async ensureSchema(schema, owner) {
      const { ddl: ddlRole, runtime: runtimeRole } = rolesOf(schema);
      await withClient(server.url(databaseName), (client) =>
        ensureSchema(client, {
          database: databaseName,
          schema,
          ddl: withRole(ddlRole),
          runtime: withRole(runtimeRole),
          owner,
        }),
      );
      await secrets.save();
      return { schema, ddlUrl: roleUrl(ddlRole), url: roleUrl(runtimeRole), runtimeRole };
    },
  };
}

/** How a role signs in. */
export const databaseUrl = (
  { host = "127.0.0.1", port }: Pick<DatabaseServer, "host" | "port">,
  secrets: Pick<Secrets, "databasePassword">,
  role: string,
): string => `postgres://${role}:${secrets.databasePassword(role)}@${host}:${port}/${databaseName}`;

/** The role that changes a schema, and the one that uses it. */
export const rolesOf = (schema: string): { ddl: string; runtime: string } => ({
  ddl: `${schema}_ddl`,
  runtime: schema,
});

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // A broken connection fails the query in hand; unheard, its event would end the process as well.
  client.on("error", () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
