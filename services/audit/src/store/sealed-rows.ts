import type { Transaction } from "@plinth/postgres";
import { getTableColumns } from "drizzle-orm";
import { type SealedRow, sealedEntryTable } from "./schema.ts";

const columns = Object.entries(getTableColumns(sealedEntryTable)) as [
  keyof SealedRow,
  { name: string; getSQLType(): string },
][];
const names = columns.map(([, { name }]) => name).join(", ");
const arrays = columns.map(([, column], at) => `$${at + 1}::${column.getSQLType()}[]`).join(", ");
const insert = `INSERT INTO sealed_entry (${names}) SELECT * FROM unnest(${arrays})`;

/** One statement, whose text is the same for any number of rows: a column is an array. */
export async function insertSealedRows(tx: Transaction, rows: readonly SealedRow[]): Promise<void> {
  if (rows.length === 0) return;
  const values = columns.map(([field]) => rows.map((row) => row[field]));
  await tx.query(insert, values, "insert_sealed_entries");
}
