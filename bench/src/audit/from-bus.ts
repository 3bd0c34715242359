import { onAnyEvent } from "@plinth/audit/events";
import type { AuditLog } from "@plinth/audit/log";
import { appendEvent, createOutboxRelay, createPostgresBus, type EventBus } from "@plinth/bus";
import { type Component, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createDatabase, type Database } from "@plinth/postgres";
import { UserUpdatedSchema } from "@plinth/proto/plinth/identity/v1/events";
import { UserState } from "@plinth/proto/plinth/identity/v1/identity";
import pg from "pg";
import { inSchema } from "../event-schemas.ts";
import { treeCpuUs } from "../process-meter.ts";
import { printTable } from "../table.ts";
import { until } from "../until.ts";

const tools = { logger: silentLogger, clock: systemClock, random: systemRandom };
const users = 500;

export interface FromBusOptions {
  /** Owner's URL of a database with the schemas of event-schemas.ts, on the server of the log. */
  url: string;
  /** Of the server, for its CPU time. */
  serverPid: number;
  /** Events that wait on the bus before anybody records them. */
  backlog: number;
  /** Events a second afterwards. */
  pacedPerSecond: number;
  seconds: number;
}

/** From the outbox of a service over the bus into the signed tree: a backlog, then events as they happen. */
export async function measureFromBus(log: AuditLog, options: FromBusOptions): Promise<void> {
  const { url, serverPid, backlog, pacedPerSecond, seconds } = options;
  const shop = createDatabase({ ...tools, url: inSchema(url, "shop"), applicationName: "bench" });
  const bus = createPostgresBus({ ...tools, url: inSchema(url, "plinth_bus"), applicationName: "bench" });
  let published = 0;
  const counting: EventBus = {
    ...bus,
    async publish(messages) {
      await bus.publish(messages);
      published += messages.length;
    },
  };
  const recordedAtMs = new Map<string, number>();
  const noting: AuditLog["recorder"] = {
    ...log.recorder,
    async recordEvents(recordings) {
      await log.recorder.recordEvents(recordings);
      for (const { event } of recordings) recordedAtMs.set(event.id, performance.now());
    },
  };
  const relay = createOutboxRelay({ ...tools, database: shop, bus: counting, source: "identity" });
  const consumer = onAnyEvent(bus, noting);
  const parts: Component[] = [shop, bus, relay, consumer, log.sequencer];
  await bus.start?.();
  await fill(shop, backlog);
  await relay.start?.();
  await until(async () => published >= backlog);

  const begin = performance.now();
  const cpu = process.cpuUsage();
  const serverCpuUs = treeCpuUs(serverPid);
  await log.sequencer.start?.();
  await consumer.start?.();
  await until(async () => recordedAtMs.size >= backlog, 10);
  const recordedMs = performance.now() - begin;
  await until(async () => (await log.reader.checkpoint()).size >= backlog, 10);
  const signedMs = performance.now() - begin;
  const used = process.cpuUsage(cpu);
  const serverUsedUs = treeCpuUs(serverPid) - serverCpuUs;
  const bytes = await bytesPerEvent(url, backlog);
  const paced = await pace(shop, { pacedPerSecond, seconds, recordedAtMs, log, backlog });
  for (const part of parts.toReversed()) await part.stop?.(AbortSignal.timeout(20_000));

  printTable(`Audit log: ${backlog} events that wait on the bus, into the signed tree`, [
    {
      "recorded/s": backlog / (recordedMs / 1000),
      "in the signed tree/s": backlog / (signedMs / 1000),
      "CPU us per event, service": (used.user + used.system) / backlog,
      "CPU us per event, PostgreSQL": serverUsedUs / backlog,
    },
  ]);
  printTable("Audit log: bytes on disk per event", [bytes]);
  printTable(
    `Audit log: from a commit with an event in the outbox, ${pacedPerSecond} a second for ${seconds} s, to the entry and to the signed tree`,
    [paced],
  );
}

/** Tables and indexes, those of the bus and of the service's inbox as well. */
async function bytesPerEvent(url: string, events: number): Promise<Record<string, number>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(
    `SELECT pg_table_size('audit.sealed_entry') AS entry, pg_indexes_size('audit.sealed_entry') AS "its indexes",
       pg_total_relation_size('audit.tile') AS tree, pg_total_relation_size('audit.inbox') AS inbox,
       pg_total_relation_size('plinth_bus.message') AS "bus, for 7 days"`,
  );
  await client.end();
  return Object.fromEntries(Object.entries(rows[0]).map(([part, bytes]) => [part, Number(bytes) / events]));
}

interface Pace {
  pacedPerSecond: number;
  seconds: number;
  recordedAtMs: ReadonlyMap<string, number>;
  log: AuditLog;
  backlog: number;
}

async function pace(shop: Database, { pacedPerSecond, seconds, recordedAtMs, log, backlog }: Pace) {
  const committedAtMs = new Map<string, number>();
  const signed: { size: number; atMs: number }[] = [];
  let over = false;
  const watching = until(async () => {
    const { size } = await log.reader.checkpoint();
    if (size !== signed.at(-1)?.size) signed.push({ size, atMs: performance.now() });
    return over && size >= backlog + committedAtMs.size;
  }, 10);
  const begin = performance.now();
  for (let n = 0; n < seconds * pacedPerSecond; n++) {
    const dueMs = begin + (n * 1000) / pacedPerSecond;
    if (dueMs > performance.now()) await systemClock.sleep(dueMs - performance.now());
    const id = await shop.transaction((tx) => append(tx, n));
    committedAtMs.set(id, performance.now());
  }
  over = true;
  await watching;
  const recorded = [...committedAtMs].map(([id, atMs]) => (recordedAtMs.get(id) ?? Number.NaN) - atMs);
  // The log numbers events in the order in which they were recorded.
  const inOrder = [...committedAtMs].sort(([a], [b]) => (recordedAtMs.get(a) ?? 0) - (recordedAtMs.get(b) ?? 0));
  const inTree = inOrder.map(([, atMs], nth) => {
    const first = signed.find(({ size }) => size >= backlog + nth + 1);
    return (first?.atMs ?? Number.NaN) - atMs;
  });
  const at = (of: number[], share: number) => of.sort((a, b) => a - b)[Math.floor(of.length * share)] ?? Number.NaN;
  return {
    "recorded p50 ms": at(recorded, 0.5),
    "recorded p99 ms": at(recorded, 0.99),
    "in the tree p50 ms": at(inTree, 0.5),
    "in the tree p99 ms": at(inTree, 0.99),
  };
}

async function fill(shop: Database, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1_000) {
    await shop.transaction(async (tx) => {
      for (let n = done; n < Math.min(done + 1_000, count); n++) await append(tx, n);
    });
  }
}

function append(tx: Parameters<typeof appendEvent>[0], n: number): Promise<string> {
  const userId = String(n % users);
  return appendEvent(tx, {
    ...{ topic: "identity.user.v1", key: userId, subject: `users/${userId}` },
    schema: UserUpdatedSchema,
    message: { userId, changed: ["displayName"], state: UserState.ACTIVE },
    context: { actor: `user:${userId}`, requestId: `request-${n}`, traceparent: undefined },
  });
}
