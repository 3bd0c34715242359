import type { Queryable } from "@plinth/postgres";

/** What the log says of itself, as last committed. */
export interface LogHead {
  size: number;
  root: Buffer;
  /** The signed note; empty until the sequencer has run once. */
  checkpoint: string;
  time: Date;
  /** Leaves whose entries were removed when their time was over. */
  pruned: number;
}

interface HeadRow {
  size: string;
  root: Buffer;
  checkpoint: string;
  time: Date;
  pruned: string;
}

const columns = "size, root, checkpoint, time, pruned";

export async function readHead(db: Queryable): Promise<LogHead> {
  return toHead(await db.query<HeadRow>(`SELECT ${columns} FROM log_head`, [], "read_log_head"));
}

/** Reads it and keeps every other sequencer waiting until the transaction ends. */
export async function lockLogHead(db: Queryable): Promise<LogHead> {
  return toHead(await db.query<HeadRow>(`SELECT ${columns} FROM log_head FOR UPDATE`, [], "lock_log_head"));
}

function toHead([row]: HeadRow[]): LogHead {
  if (row === undefined) throw new Error("the audit log has no head: the row of log_head is gone");
  return { ...row, size: Number(row.size), pruned: Number(row.pruned) };
}
