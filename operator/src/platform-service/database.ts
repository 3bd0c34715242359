import { isFault } from "@plinth/kernel";
import { closeDatabase, dropSchema, ensureInfrastructure, ensureSchema } from "@plinth/postgres/provision";
import pg from "pg";
import type { DatabaseAccess } from "./database-access.ts";
import type { Trouble } from "./observed.ts";

export type DatabaseResult = { done: true } | { trouble: Trouble };

/** The PostgreSQL server that all services share, as its administrator. Every call is bounded and may be repeated. */
export interface DatabaseServer {
  /** Makes or repairs schema and roles. */
  ensure(serverUrl: string, access: DatabaseAccess): Promise<DatabaseResult>;
  /** Drops schema and roles with everything in them. */
  drop(serverUrl: string, what: { schema: string; roles: string[]; owner: string }): Promise<DatabaseResult>;
  /** Makes or repairs a schema of the platform itself. */
  ensureInfrastructure(
    serverUrl: string,
    what: { schema: string; password: string; ddl: string },
  ): Promise<DatabaseResult>;
}

const connectTimeoutMs = 5_000;
const statementTimeoutMs = 15_000;
const lockTimeoutMs = 5_000;

export function createDatabaseServer(): DatabaseServer {
  return {
    ensure: (serverUrl, access) => attempt(serverUrl, (client) => ensureSchema(client, access)),
    async drop(serverUrl, { schema, roles, owner }) {
      return attempt(serverUrl, async (client) => void (await dropSchema(client, { schema, roles, owner })));
    },
    ensureInfrastructure: (serverUrl, { schema, password, ddl }) =>
      attempt(serverUrl, async (client) => {
        const { rows } = await client.query<{ name: string }>("SELECT current_database() AS name");
        const database = rows[0]?.name ?? "";
        await closeDatabase(client, database);
        await ensureInfrastructure(client, { database, schema, password, ddl });
      }),
  };
}

/** One transaction, one at a time for the whole server: PostgreSQL refuses concurrent changes of roles. */
async function attempt(serverUrl: string, work: (client: pg.Client) => Promise<void>): Promise<DatabaseResult> {
  const client = new pg.Client({
    connectionString: serverUrl,
    application_name: "plinth-operator",
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs,
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
  });
  // A connection that breaks between statements makes the next one fail; the event itself must not end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock(hashtextextended('plinth.provision', 0))");
    await work(client);
    await client.query("COMMIT");
    return { done: true };
  } catch (err) {
    return { trouble: troubleOf(err, new URL(serverUrl)) };
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * SQLSTATE that mean "later": connection, resources, an administrator's intervention, waiting for a lock, and XX000, with
 * which PostgreSQL answers when somebody in another database changes the same roles.
 */
const passing = /^(08|40|53|57|55P03|XX000)/;

function troubleOf(err: unknown, server: URL): Trouble {
  if (isFault(err) && err.reason === "SCHEMA_TAKEN") return { reason: "SchemaTaken", message: err.message };
  const { message, code } = err as Error & { code?: string };
  const where = `PostgreSQL at ${server.hostname}:${server.port || "5432"}`;
  const refused = code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !passing.test(code);
  return refused
    ? { reason: "DatabaseRefused", message: `${where} refuses (SQLSTATE ${code}): ${message}` }
    : { reason: "DatabaseUnreachable", message: `${where} cannot be used now: ${message || code || "no answer"}` };
}
