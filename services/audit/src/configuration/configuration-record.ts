import type { Clock, Random } from "@plinth/kernel";
import type { Database, Transaction } from "@plinth/postgres";
import type { NewEntry } from "../domain/entry.ts";
import type { EntryStore } from "../store/entry-store.ts";
import { lockHead } from "../store/log-lock.ts";
import { type Change, changesBetween, type Values } from "./changes.ts";

export interface ReportedConfiguration {
  /** The service that runs with it. */
  source: string;
  group: string;
  /** By name: all that the group has. */
  items: ReadonlyMap<string, Values>;
  requestId: string;
  traceId: string;
  ipAddress: string;
}

export interface ConfigurationRecord {
  /** Records what is not as it was reported last, each change once. Returns how many there were. */
  report(reported: ReportedConfiguration): Promise<number>;
}

export interface ConfigurationRecordOptions {
  database: Database;
  entries: EntryStore;
  clock: Clock;
  random: Random;
}

/** Changes that are recorded in one transaction: others who record wait for so long. */
const changesAtOnce = 200;

/** Remembers what each service runs with, and makes entries of the differences. */
export function createConfigurationRecord(options: ConfigurationRecordOptions): ConfigurationRecord {
  const { database, entries, clock, random } = options;

  async function record(tx: Transaction, reported: ReportedConfiguration): Promise<{ recorded: number; left: number }> {
    // Instances of a service start together and report the same.
    await lockHead(tx);
    const all = changesBetween(await lastReported(tx, reported), reported.items);
    const changes = all.slice(0, changesAtOnce);
    await entries.appendIn(
      tx,
      changes.map((change) => entryOf(change, reported)),
    );
    await remember(tx, reported, changes);
    return { recorded: changes.length, left: all.length - changes.length };
  }

  function entryOf({ kind, name, ...values }: Change, reported: ReportedConfiguration): NewEntry {
    const { source, group, requestId, traceId, ipAddress } = reported;
    const now = clock.now();
    return {
      ...{ id: random.uuidv7(now), time: new Date(now), source, requestId, traceId, ipAddress },
      action: `plinth.configuration.${kind}`,
      actor: `service:${source}`,
      resource: `configurations/${source}/${group}/${name}`,
      ...{ outcome: "success", details: { ...values }, payload: undefined },
    };
  }

  return {
    async report(reported) {
      // Mostly nothing has changed, and nobody needs to wait for that.
      if (changesBetween(await lastReported(database, reported), reported.items).length === 0) return 0;
      let total = 0;
      for (;;) {
        const { recorded, left } = await database.transaction((tx) => record(tx, reported));
        total += recorded;
        if (left === 0) return total;
      }
    },
  };
}

async function lastReported(
  db: Pick<Database, "query">,
  { source, group }: ReportedConfiguration,
): Promise<Map<string, Values>> {
  const rows = await db.query<{ name: string; value: Values }>(
    `SELECT name, value FROM configuration_item WHERE source = $1 AND "group" = $2`,
    [source, group],
  );
  return new Map(rows.map(({ name, value }) => [name, value]));
}

async function remember(
  tx: Transaction,
  { source, group, items }: ReportedConfiguration,
  changes: readonly Change[],
): Promise<void> {
  const removed = changes.filter(({ kind }) => kind === "removed").map(({ name }) => name);
  const there = changes.filter(({ kind }) => kind !== "removed").map(({ name }) => name);
  await tx.query(`DELETE FROM configuration_item WHERE source = $1 AND "group" = $2 AND name = ANY($3)`, [
    ...[source, group, removed],
  ]);
  await tx.query(
    `INSERT INTO configuration_item (source, "group", name, value)
     SELECT $1, $2, name, value FROM unnest($3::text[], $4::jsonb[]) AS item (name, value)
     ON CONFLICT (source, "group", name) DO UPDATE SET value = excluded.value`,
    [source, group, there, there.map((name) => JSON.stringify(items.get(name)))],
  );
}
