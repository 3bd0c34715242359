import { type EntryLeaf, encodeBase64, sha256 } from "@plinth/transparency-log";
import { getTableColumns, sql } from "drizzle-orm";
import { type SealedRow, sealedEntryTable } from "./schema.ts";

/** What of a row makes its leaf. */
export type LeafRow = Omit<
  SealedRow,
  "whoSealed" | "whatSealed" | "actorTag" | "resourceTag" | "whoKey" | "whatKey"
> & {
  /** SHA-256 of the sealed parts. */
  whoHash: Uint8Array;
  whatHash: Uint8Array;
};

const {
  whoSealed,
  whatSealed,
  actorTag: _a,
  resourceTag: _r,
  whoKey: _o,
  whatKey: _k,
  ...plain
} = getTableColumns(sealedEntryTable);

/** To select leaves by: PostgreSQL hashes the sealed parts, which may be large and are of no other use here. */
export const leafColumns = {
  ...plain,
  whoHash: sql<Buffer>`sha256(${whoSealed})`,
  whatHash: sql<Buffer>`sha256(${whatSealed})`,
};

/** The leaf of an entry, made from its row alone: a row that was changed has another leaf, and another hash. */
export function leafOf(row: LeafRow): EntryLeaf {
  return {
    v: 1,
    sequence: Number(row.sequence),
    id: row.id,
    time: row.time.toISOString(),
    record_time: row.recordTime.toISOString(),
    source: row.source,
    source_sequence: Number(row.sourceSequence),
    action: row.action,
    outcome: row.outcome,
    request_id: row.requestId,
    trace_id: row.traceId,
    who: { commitment: encodeBase64(row.whoCommitment), sealed: encodeBase64(row.whoHash) },
    what: { commitment: encodeBase64(row.whatCommitment), sealed: encodeBase64(row.whatHash) },
  };
}

export const leafOfRow = (row: SealedRow): EntryLeaf =>
  leafOf({ ...row, whoHash: sha256(row.whoSealed), whatHash: sha256(row.whatSealed) });
