import pg from "pg";
import { type ProvisionClient, runStatements } from "./run-statements.ts";

/** PostgreSQL lets everyone connect and create temporary tables in a new database; this ends it. */
export async function closeDatabase(client: ProvisionClient, database: string): Promise<void> {
  await runStatements(client, [
    `REVOKE ALL ON DATABASE ${pg.escapeIdentifier(database)} FROM PUBLIC`,
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
  ]);
}

/** Creates the database unless it exists. The client is connected to another database of the server. */
export async function ensureDatabase(client: ProvisionClient, database: string): Promise<void> {
  const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [database]);
  if (rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
}
