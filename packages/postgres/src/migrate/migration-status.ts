import pg from "pg";
import { fileName, type LedgerRow, readLedger } from "./ledger.ts";
import { readMigrations } from "./read-migrations.ts";

export interface MigrationStatus {
  /** Files that are not applied, in order. */
  pending: string[];
  /** Files that differ from what was applied. */
  edited: string[];
  /** Applied ones that the folder does not have: the database is ahead, which expand/contract allows. */
  ahead: string[];
}

/** Compares a folder of migrations with what a schema has of it; only reads. A schema without a ledger has nothing. */
export async function migrationStatus(
  client: pg.ClientBase,
  options: { schema: string; directory: string },
): Promise<MigrationStatus> {
  const files = await readMigrations(options.directory);
  const ledger = await ledgerOf(client, options.schema);
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

async function ledgerOf(client: pg.ClientBase, schema: string): Promise<LedgerRow[]> {
  const table = `${pg.escapeIdentifier(schema)}.plinth_migration`;
  const { rows } = await client.query("SELECT to_regclass($1) IS NOT NULL AS there", [table]);
  return rows[0]?.there ? readLedger(client, table, "service") : [];
}
