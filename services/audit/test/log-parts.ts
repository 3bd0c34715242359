import type { BusMessage } from "@plinth/bus";
import { type Clock, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createDatabase, migrate } from "@plinth/postgres";
import { createTestDatabase, patience } from "@plinth/testing";
import { type NoteKey, openCheckpoint } from "@plinth/transparency-log";
import { afterAll } from "vitest";
import type { NewEntry } from "../src/domain/entry.ts";
import { entryOfEvent } from "../src/events/entry-of-event.ts";
import { createAuditLog } from "../src/log/audit-log.ts";
import { readHead } from "../src/log/log-head.ts";
import { lockHead } from "../src/store/log-lock.ts";
import { migrations, newId } from "./audit-fixture.ts";

export const origin = "plinth.test/audit";

export interface PartsOptions {
  clock?: Clock;
  master?: Buffer;
  retentionMs?: number;
  witnesses?: readonly NoteKey[];
}

/** The parts of the log on a database of their own, without the service around them; the test says when they work. */
export async function logParts(options: PartsOptions = {}) {
  const testDatabase = await createTestDatabase("audit");
  const { ddlUrl, schema, runtimeRole } = testDatabase;
  await migrate({ url: ddlUrl, schema, runtimeRole, directory: migrations, logger: silentLogger, clock: systemClock });
  const parts = partsOn(testDatabase.url, options);
  afterAll(async () => {
    await parts.database.stop?.(AbortSignal.timeout(1_000));
    await testDatabase.drop();
  });
  return { ...parts, testDatabase, again: (more: PartsOptions) => partsOn(testDatabase.url, { ...options, ...more }) };
}

function partsOn(url: string, options: PartsOptions) {
  const { clock = systemClock, master = Buffer.alloc(32, 1), retentionMs, witnesses = [] } = options;
  const logger = silentLogger;
  const database = createDatabase({ ...patience, url, applicationName: "test", logger, clock: systemClock });
  const log = createAuditLog({
    ...{ database, clock, logger, origin, retentionMs },
    random: systemRandom,
    master: () => master,
    keyOverlapMs: 60_000,
    witnesses,
  });
  const { keys, sequencer } = log;
  return {
    ...log,
    database,
    /** The checkpoint as the world sees it; undefined before the first. */
    async checkpoint() {
      const { checkpoint } = await readHead(database);
      if (checkpoint === "") return undefined;
      return openCheckpoint(
        checkpoint,
        origin,
        (await keys.list()).map(({ key }) => key),
      );
    },
    /** As the event does that says so. */
    erase: (userId: string) =>
      database.transaction(async (tx) => {
        await lockHead(tx);
        await log.entries.eraseIn(tx, userId);
      }),
    /** Until nothing is left to do. */
    async integrateAll() {
      while (await sequencer.round()) {}
    },
  };
}

export const newEntry = (change: Partial<NewEntry> = {}): NewEntry => ({
  id: newId(),
  time: new Date("2026-11-26T12:00:00.123Z"),
  source: "notes",
  action: "notes.note.read",
  actor: "user:ada",
  resource: "notes/1",
  outcome: "success",
  requestId: "r-1",
  traceId: "",
  ipAddress: "192.0.2.1",
  details: { title: "secret plans" },
  payload: undefined,
  ...change,
});

export const newEvent = (change: Partial<BusMessage> = {}): BusMessage => ({
  ...{ id: newId(), source: "notes", type: "notes.v1.Shared", subject: "notes/1", time: new Date() },
  ...{ topic: "notes.note.v1", key: "1", data: new Uint8Array([1]), actor: "user:ada", requestId: "r" },
  traceparent: undefined,
  ...change,
});

export const recordingsOf = (events: readonly BusMessage[]) =>
  events.map((event) => ({ entry: entryOfEvent(event), event }));

/** SQL that writes an entry as the version before wrote it. */
export const earlierEntrySql = (id: string): string => `
  WITH next AS (UPDATE audit.head SET sequence = sequence + 1 RETURNING sequence)
  INSERT INTO audit.entry (sequence, id, time, source, action, actor, resource, outcome, request_id, trace_id, ip_address, details, payload)
  SELECT sequence, '${id}', '2026-11-01T10:00:00.123456Z', 'notes', 'notes.note.made', 'user:ada', 'users/bob', 'denied', 'r-0', '', '192.0.2.2',
    '{"title": "older plans"}', '\\x0102' FROM next`;
