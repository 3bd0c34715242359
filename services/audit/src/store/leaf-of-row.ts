import { type EntryLeaf, encodeBase64, sha256 } from "@plinth/transparency-log";
import type { SealedRow } from "./schema.ts";

/** The leaf of an entry, made from its row alone: a row that was changed has another leaf, and another hash. */
export function leafOfRow(row: SealedRow): EntryLeaf {
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
    who: { commitment: encodeBase64(row.whoCommitment), sealed: encodeBase64(sha256(row.whoSealed)) },
    what: { commitment: encodeBase64(row.whatCommitment), sealed: encodeBase64(sha256(row.whatSealed)) },
  };
}
