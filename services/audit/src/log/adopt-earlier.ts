import type { Transaction } from "@plinth/postgres";
import { asc } from "drizzle-orm";
import type { EntrySealer } from "../store/entry-sealer.ts";
import { lockHead } from "../store/log-lock.ts";
import { earlierEntryTable } from "../store/schema.ts";
import { insertSealedRows } from "../store/sealed-rows.ts";
import { lockLogHead } from "./log-head.ts";

/**
 * Moves the oldest entries that the version before wrote, at most `limit`: seals them under their own sequence numbers and
 * removes them from where they were. Returns how many.
 */
export async function adoptEarlier(tx: Transaction, sealer: EntrySealer, limit: number): Promise<number> {
  await lockLogHead(tx);
  const rows = await tx.drizzle.select().from(earlierEntryTable).orderBy(asc(earlierEntryTable.sequence)).limit(limit);
  if (rows.length === 0) return 0;
  // Keys are made under the same lock as in appending.
  await lockHead(tx);
  const placed = rows.map(({ payload, sequence, recordTime, ...entry }) => ({
    ...{ sequence, recordTime },
    entry: { ...entry, payload: payload ?? undefined },
  }));
  await insertSealedRows(tx, await sealer.seal(tx, placed));
  await tx.query("DELETE FROM entry WHERE sequence = ANY($1::bigint[])", [
    rows.map(({ sequence }) => String(sequence)),
  ]);
  return rows.length;
}
