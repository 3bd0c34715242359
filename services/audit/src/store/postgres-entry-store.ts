import { type Clock, Fault } from "@plinth/kernel";
import type { Database, Transaction } from "@plinth/postgres";
import { and, asc, desc, inArray } from "drizzle-orm";
import type { Entry, EntryFilter, NewEntry } from "../domain/entry.ts";
import type { Secrets } from "../sealing/secrets.ts";
import type { EntrySealer, OpenedEntry } from "./entry-sealer.ts";
import type { EntryStore } from "./entry-store.ts";
import { filterConditions } from "./filter-conditions.ts";
import { takeNumbers } from "./log-lock.ts";
import { sealedEntryTable as table } from "./schema.ts";
import { insertSealedRows } from "./sealed-rows.ts";
import type { SubjectKeys } from "./subject-keys.ts";
import { type Page, withinPage, withinWindow } from "./time-window.ts";

export interface EntryStoreOptions {
  database: Database;
  clock: Clock;
  secrets: Secrets;
  keys: SubjectKeys;
  sealer: EntrySealer;
}

export function createPostgresEntryStore(options: EntryStoreOptions): EntryStore {
  const { database, clock, secrets, keys, sealer } = options;

  async function find(db: Pick<Database, "drizzle" | "query">, ids: readonly string[]): Promise<OpenedEntry[]> {
    return sealer.open(db, await db.drizzle.select().from(table).where(inArray(table.id, ids)));
  }

  /** What the log has under these ids; asked after the lock, it sees what whoever held it before has committed. */
  async function findKnown(tx: Transaction, ids: readonly string[]): Promise<Map<string, Entry>> {
    const known = await tx.query<{ id: string; earlier: boolean }>(knownSql, [ids], "known_entries");
    if (known.some(({ earlier }) => earlier)) throw notYetMoved();
    if (known.length === 0) return new Map();
    const found = await find(
      tx,
      known.map(({ id }) => id),
    );
    return new Map(found.map(({ entry }) => [entry.id, entry]));
  }

  /** Those whose ids are new, the first of each. */
  function newOf(entries: readonly NewEntry[], known: ReadonlyMap<string, Entry>): NewEntry[] {
    const byId = new Map<string, NewEntry>();
    for (const entry of entries) if (!known.has(entry.id) && !byId.has(entry.id)) byId.set(entry.id, entry);
    return [...byId.values()];
  }

  async function append(tx: Transaction, entries: readonly NewEntry[]): Promise<Entry[]> {
    const last = await takeNumbers(tx, entries.length);
    const recordTime = new Date(clock.now());
    const places = entries.map((entry, at) => ({ entry, sequence: last + BigInt(at + 1), recordTime }));
    await insertSealedRows(tx, await sealer.seal(tx, places));
    return places.map(({ entry, ...place }) => ({ ...entry, ...place, personalData: "readable" }));
  }

  async function page(filter: EntryFilter, page: Page): Promise<OpenedEntry[]> {
    const conditions = and(withinPage(page), ...filterConditions(filter, secrets));
    const rows = await database.drizzle
      .select()
      .from(table)
      .where(withinWindow(filter, conditions, page))
      .orderBy(page.order === "newest first" ? desc(table.sequence) : asc(table.sequence))
      .limit(page.limit);
    return sealer.open(database, rows);
  }

  return {
    async appendIn(tx, given) {
      if (given.length === 0) return [];
      // As PostgreSQL writes UUIDs: the id is part of what is sealed.
      const entries = given.map((entry) => ({ ...entry, id: entry.id.toLowerCase() }));
      const byId = await findKnown(
        tx,
        entries.map(({ id }) => id),
      );
      const added = newOf(entries, byId);
      if (added.length > 0) for (const entry of await append(tx, added)) byId.set(entry.id, entry);
      return entries.map(({ id }) => byId.get(id) as Entry);
    },
    get: async (id) => (await find(database, [id]))[0],
    async list(filter, { before, limit }) {
      const until = before === undefined ? undefined : before - 1n;
      const opened = await page(filter, { after: 0n, until, order: "newest first", limit });
      return opened.map(({ entry }) => entry);
    },
    scan: (filter, { after, until, limit }) => page(filter, { after, until, order: "oldest first", limit }),
    eraseIn: keys.eraseIn,
  };
}

const knownSql = `SELECT id, false AS earlier FROM sealed_entry WHERE id = ANY($1::uuid[])
  UNION ALL SELECT id, true FROM entry WHERE id = ANY($1::uuid[])`;

/** Right after an upgrade; within a second the sequencer has moved it. */
const notYetMoved = (): Fault =>
  new Fault({
    code: "unavailable",
    reason: "ENTRY_BEING_MOVED",
    message: "the entry is there and is being moved after an upgrade, try again shortly",
    retryAfterMs: 1_000,
  });
