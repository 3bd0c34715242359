import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { busSchemaSql } from "@plinth/bus";
import { silentLogger, systemClock } from "@plinth/kernel";
import { migrate } from "@plinth/postgres";
import pg from "pg";

/** Makes the schemas `shop`, with outbox and inbox, and `plinth_bus` in a database; the URL is its owner's. */
export async function makeEventSchemas(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE SCHEMA shop; CREATE SCHEMA plinth_bus; SET search_path = plinth_bus; ${busSchemaSql}`);
  await client.end();
  const directory = await mkdtemp(path.join(tmpdir(), "plinth-none-"));
  const runtimeRole = new URL(url).username;
  await migrate({ url, schema: "shop", runtimeRole, directory, logger: silentLogger, clock: systemClock });
  await rm(directory, { recursive: true });
}

export function inSchema(url: string, schema: string): string {
  const result = new URL(url);
  result.searchParams.set("options", `-c search_path=${schema}`);
  return result.href;
}
