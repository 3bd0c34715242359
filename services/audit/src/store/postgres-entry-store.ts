import { type Clock, Fault } from "@plinth/kernel";
import type { Database, Transaction } from "@plinth/postgres";
import { and, asc, desc, eq, gt, lt, lte } from "drizzle-orm";
import type { Entry, NewEntry } from "../domain/entry.ts";
import type { Secrets } from "../sealing/secrets.ts";
import type { EntrySealer, OpenedEntry } from "./entry-sealer.ts";
import type { EntryStore } from "./entry-store.ts";
import { filterConditions } from "./filter-conditions.ts";
import type { GroupCommit } from "./group-commit.ts";
import { sealedEntryTable as table } from "./schema.ts";
import type { SubjectKeys } from "./subject-keys.ts";

export interface EntryStoreOptions {
  database: Database;
  /** Its transactions begin with the lock of the log's head. */
  commits: GroupCommit;
  clock: Clock;
  secrets: Secrets;
  keys: SubjectKeys;
  sealer: EntrySealer;
}

export function createPostgresEntryStore(options: EntryStoreOptions): EntryStore {
  const { database, commits, clock, secrets, keys, sealer } = options;

  async function find(db: Pick<Database, "drizzle" | "query">, id: string): Promise<OpenedEntry | undefined> {
    const rows = await db.drizzle.select().from(table).where(eq(table.id, id));
    return (await sealer.open(db, rows))[0];
  }

  async function appendIn(tx: Transaction, entry: NewEntry): Promise<Entry> {
    const sequence = (await lockHead(tx)) + 1n;
    // After the lock, in a statement of its own: it sees what whoever held the lock before has committed.
    const [state] = await tx.query<{ known: boolean; earlier: boolean }>(knownSql, [entry.id], "known_entry");
    if (state?.earlier) throw notYetMoved();
    const known = state?.known ? await find(tx, entry.id) : undefined;
    if (known) return known.entry;
    const row = await sealer.seal(tx, entry, { sequence, recordTime: new Date(clock.now()) });
    await tx.drizzle.insert(table).values(row);
    await tx.query("UPDATE head SET sequence = $1", [String(sequence)], "set_head");
    return { ...entry, sequence, recordTime: row.recordTime, personalData: "readable" };
  }

  return {
    append: (entry) => commits.run((tx) => appendIn(tx, entry)),
    appendIn,
    get: (id) => find(database, id),
    async list(filter, { before, limit }) {
      const rows = await database.drizzle
        .select()
        .from(table)
        .where(and(...filterConditions(filter, secrets), before === undefined ? undefined : lt(table.sequence, before)))
        .orderBy(desc(table.sequence))
        .limit(limit);
      return (await sealer.open(database, rows)).map(({ entry }) => entry);
    },
    async scan(filter, { after, until, limit }) {
      const rows = await database.drizzle
        .select()
        .from(table)
        .where(and(...filterConditions(filter, secrets), gt(table.sequence, after), lte(table.sequence, until)))
        .orderBy(asc(table.sequence))
        .limit(limit);
      return sealer.open(database, rows);
    },
    async eraseIn(tx, userId) {
      await lockHead(tx);
      await keys.eraseIn(tx, userId);
    },
  };
}

const knownSql =
  "SELECT EXISTS (SELECT FROM sealed_entry WHERE id = $1) AS known, EXISTS (SELECT FROM entry WHERE id = $1) AS earlier";

/** The last sequence number given out. Its lock makes the sequence gapless and its order the commit order. */
export async function lockHead(tx: Transaction): Promise<bigint> {
  const [head] = await tx.query<{ sequence: string }>("SELECT sequence FROM head FOR UPDATE", [], "lock_head");
  return BigInt(head?.sequence ?? 0);
}

/** Right after an upgrade; within a second the sequencer has moved it. */
const notYetMoved = (): Fault =>
  new Fault({
    code: "unavailable",
    reason: "ENTRY_BEING_MOVED",
    message: "the entry is there and is being moved after an upgrade, try again shortly",
    retryAfterMs: 1_000,
  });
