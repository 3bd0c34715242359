import type pg from "pg";

/** A migration that a schema has. */
export interface LedgerRow {
  version: number;
  name: string;
  checksum: string;
}

/** What a schema has of a set, in order. `table`: the ledger's, as SQL. */
export async function readLedger(client: pg.ClientBase, table: string, set: string): Promise<LedgerRow[]> {
  const text = `SELECT version, name, checksum FROM ${table} WHERE set = $1 ORDER BY version`;
  return (await client.query<LedgerRow>(text, [set])).rows;
}

export const fileName = ({ version, name }: { version: number; name: string }): string =>
  `${String(version).padStart(4, "0")}_${name}.sql`;
