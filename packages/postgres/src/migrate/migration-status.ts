import pg from "pg";
import { readMigrations } from "./read-migrations.ts";

export interface MigrationStatus {
  /** Files that are not applied, in order. */
  pending: string[];
  /** Files that differ from what was applied. */
  edited: string[];
  /** Applied ones that the folder does not have: the database is ahead, which expand/contract allows. */
  ahead: string[];
}

interface LedgerRow {
  version: number;
  name: string;
  checksum: string;
}

/** Compares a folder of migrations with what a schema has of it; only reads. A schema without a ledger has nothing. */
export async function migrationStatus(
  client: pg.ClientBase,
  options: { schema: string; directory: string },
): Promise<MigrationStatus> {
  const files = await readMigrations(options.directory);
  const ledger = await readLedger(client, options.schema);
  const applied = new Map(ledger.map((row) => [row.version, row]));
  const known = new Set(files.map(({ version }) => version));
  return {
    pending: files.filter(({ version }) => !applied.has(version)).map(fileName),
    edited: files
      .filter(({ version, checksum }) => (applied.get(version)?.checksum ?? checksum) !== checksum)
      .map(fileName),
    ahead: ledger.filter(({ version }) => !known.has(version)).map(fileName),
  };
}

async function readLedger(client: pg.ClientBase, schema: string): Promise<LedgerRow[]> {
  const table = `${pg.escapeIdentifier(schema)}.plinth_migration`;
  const { rows: found } = await client.query("SELECT to_regclass($1) IS NOT NULL AS there", [table]);
  if (!found[0]?.there) return [];
  const text = `SELECT version, name, checksum FROM ${table} WHERE set = 'service' ORDER BY version`;
  return (await client.query<LedgerRow>(text)).rows;
}

const fileName = ({ version, name }: { version: number; name: string }): string =>
  `${String(version).padStart(4, "0")}_${name}.sql`;
