import type { Transaction } from "@plinth/postgres";
import { asc } from "drizzle-orm";
import type { EntrySealer } from "../store/entry-sealer.ts";
import { lockHead } from "../store/postgres-entry-store.ts";
import { earlierEntryTable, type SealedRow, sealedEntryTable } from "../store/schema.ts";
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
  const sealed: SealedRow[] = [];
  for (const { payload, sequence, recordTime, ...entry } of rows)
    sealed.push(await sealer.seal(tx, { ...entry, payload: payload ?? undefined }, { sequence, recordTime }));
  await tx.drizzle.insert(sealedEntryTable).values(sealed);
  await tx.query("DELETE FROM entry WHERE sequence = ANY($1::bigint[])", [
    rows.map(({ sequence }) => String(sequence)),
  ]);
  return rows.length;
}
