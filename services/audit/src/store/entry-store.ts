import type { Transaction } from "@plinth/postgres";
import type { Entry, EntryFilter, NewEntry } from "../domain/entry.ts";
import type { OpenedEntry } from "./entry-sealer.ts";

/**
 * The log. Duties: entries are durable when the caller's transaction commits; sequence numbers have no gaps and follow the
 * commit order; an id is stored once, the first wins. Whoever writes holds the lock of the head (log-lock.ts).
 */
export interface EntryStore {
  /** Appends in the order given; returns what the log has under each id, in the same order. */
  appendIn(tx: Transaction, entries: readonly NewEntry[]): Promise<Entry[]>;
  get(id: string): Promise<OpenedEntry | undefined>;
  /** Newest first, at most `limit`, only those before the sequence number `before`. */
  list(filter: EntryFilter, page: { before: bigint | undefined; limit: number }): Promise<Entry[]>;
  /** Oldest first, at most `limit`, only those after `after` and up to `until`. */
  scan(filter: EntryFilter, page: { after: bigint; until: bigint; limit: number }): Promise<OpenedEntry[]>;
  /** Makes everything personal about a user unreadable for good; erasure.ts makes it unfindable. */
  eraseIn(tx: Transaction, userId: string): Promise<void>;
}
