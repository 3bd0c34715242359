import type { Database, Transaction } from "@plinth/postgres";
import { and, desc, eq, gte, like, lt, type SQL } from "drizzle-orm";
import type { Entry, EntryFilter, NewEntry } from "../domain/entry.ts";
import type { EntryStore } from "./entry-store.ts";
import { entryTable } from "./schema.ts";

export function createPostgresEntryStore(database: Database): EntryStore {
  async function appendIn(tx: Transaction, entry: NewEntry): Promise<Entry> {
    const [head] = await tx.query<{ sequence: string }>("SELECT sequence FROM head FOR UPDATE");
    const [known] = await tx.drizzle.select().from(entryTable).where(eq(entryTable.id, entry.id));
    if (known) return toEntry(known);
    const sequence = BigInt(head?.sequence ?? 0) + 1n;
    const payload = entry.payload === undefined ? null : Buffer.from(entry.payload);
    const [stored] = await tx.drizzle
      .insert(entryTable)
      .values({ ...entry, sequence, payload })
      .returning();
    await tx.query("UPDATE head SET sequence = $1", [String(sequence)]);
    return toEntry(stored as Row);
  }

  return {
    append: (entry) => database.transaction((tx) => appendIn(tx, entry)),
    appendIn,
    async get(id) {
      const [row] = await database.drizzle.select().from(entryTable).where(eq(entryTable.id, id));
      return row && toEntry(row);
    },
    async list(filter, { before, limit }) {
      const conditions = [
        ...filterConditions(filter),
        ...(before === undefined ? [] : [lt(entryTable.sequence, before)]),
      ];
      const rows = await database.drizzle
        .select()
        .from(entryTable)
        .where(and(...conditions))
        .orderBy(desc(entryTable.sequence))
        .limit(limit);
      return rows.map(toEntry);
    },
  };
}

type Row = typeof entryTable.$inferSelect;

const toEntry = ({ payload, ...row }: Row): Entry => ({ ...row, payload: payload ?? undefined });

function filterConditions(filter: EntryFilter): SQL[] {
  const { actor, action, resource, source, outcome, requestId, startTime, endTime } = filter;
  return [
    actor && eq(entryTable.actor, actor),
    action &&
      (action.endsWith(".") ? like(entryTable.action, `${escapeLike(action)}%`) : eq(entryTable.action, action)),
    resource && eq(entryTable.resource, resource),
    source && eq(entryTable.source, source),
    outcome && eq(entryTable.outcome, outcome),
    requestId && eq(entryTable.requestId, requestId),
    startTime && gte(entryTable.time, startTime),
    endTime && lt(entryTable.time, endTime),
  ].filter((condition) => condition !== undefined && condition !== "");
}

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, "\\$&");
