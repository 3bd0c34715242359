import { discoverySchemaSql } from "@plinth/discovery";
import { startPostgres } from "@plinth/testing";
import pg from "pg";

/** A PostgreSQL server of its own with the tables of the registry. */
export async function startPostgresRegistry(): Promise<{ url: string; stop(): Promise<void> }> {
  const server = await startPostgres();
  const client = new pg.Client(server.url);
  await client.connect();
  await client.query(`CREATE SCHEMA plinth_discovery; SET search_path = plinth_discovery; ${discoverySchemaSql}`);
  await client.query("ALTER ROLE postgres SET search_path = plinth_discovery");
  await client.end();
  return server;
}
