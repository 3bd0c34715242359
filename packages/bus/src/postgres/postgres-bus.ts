import type { Clock, Logger, Random } from "@plinth/kernel";
import { createDatabase, type Database, type Transaction } from "@plinth/postgres";
import type { BusMessage, EventBus } from "../bus.ts";
import { createPostgresConsumer } from "./postgres-consumer.ts";
import { busChannel, partitionOf } from "./schema.ts";

export interface PostgresBusOptions {
  /** postgres:// URL of the role plinth_bus, whose search_path is the bus schema. */
  url: string;
  applicationName: string;
  logger: Logger;
  clock: Clock;
  random: Random;
  /** Messages are kept this long, read or not. Default 7 days. */
  retentionMs?: number;
}

const pruneIntervalMs = 600_000;

/** Event bus in PostgreSQL: for one machine and for tests. The head row's lock makes commit order equal to position order. */
export function createPostgresBus(options: PostgresBusOptions): EventBus {
  const { logger, clock, random, retentionMs = 7 * 86_400_000 } = options;
  const database = createDatabase({
    url: options.url,
    applicationName: options.applicationName,
    logger,
    clock,
    poolMax: 4,
  });
  const stopping = new AbortController();

  async function prune(): Promise<void> {
    while (!stopping.signal.aborted) {
      await database
        .query("DELETE FROM message WHERE stored_at < now() - $1 * interval '1 millisecond'", [retentionMs])
        .catch((err) => logger.warn({ err }, "old messages could not be removed"));
      await clock.sleep(pruneIntervalMs, stopping.signal).catch(() => {});
    }
  }

  return {
    name: "event bus",
    publish: (messages) => publish(database, messages),
    subscribe: (subscription) => createPostgresConsumer({ database, subscription, logger, clock, random }),
    async start() {
      await database.start?.();
      void prune();
    },
    async stop(signal) {
      stopping.abort();
      await database.stop?.(signal);
    },
  };
}

async function publish(database: Database, messages: readonly BusMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const groups = Map.groupBy(messages, (m) => `${m.topic}\u0000${partitionOf(m.key)}`);
  await database.transaction(async (tx) => {
    // Always in the same order, so that two publishers cannot wait for each other's head rows.
    for (const group of [...groups.keys()].sort()) await storeGroup(tx, groups.get(group) ?? []);
    await tx.query("SELECT pg_notify($1, topic) FROM unnest($2::text[]) AS topic", [
      busChannel,
      [...new Set(messages.map((m) => m.topic))],
    ]);
  });
}

/** Stores messages of one topic and partition. */
async function storeGroup(tx: Transaction, group: readonly BusMessage[]): Promise<void> {
  const [first] = group;
  if (!first) return;
  const partition = partitionOf(first.key);
  const [head] = await tx.query<{ position: string }>(
    `INSERT INTO partition_head AS head (topic, partition, position) VALUES ($1, $2, $3)
     ON CONFLICT (topic, partition) DO UPDATE SET position = head.position + $3 RETURNING position`,
    [first.topic, partition, group.length],
  );
  const start = Number(head?.position) - group.length;
  const column = <T>(pick: (m: BusMessage) => T): T[] => group.map(pick);
  await tx.query(
    `INSERT INTO message (topic, partition, position, key, id, source, type, subject, time, data, actor, request_id, traceparent,
       client_address, via, sequence)
     SELECT $1, $2, $3 + row.ordinality, row.key, row.id, row.source, row.type, row.subject, row.time, row.data, row.actor, row.request_id, row.traceparent,
       row.client_address, row.via, row.sequence
     FROM unnest($4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::bytea[], $11::text[], $12::text[], $13::text[],
       $14::text[], $15::text[], $16::bigint[])
       WITH ORDINALITY AS row (key, id, source, type, subject, time, data, actor, request_id, traceparent, client_address, via, sequence, ordinality)`,
    [
      first.topic,
      partition,
      start,
      column((m) => m.key),
      column((m) => m.id),
      column((m) => m.source),
      column((m) => m.type),
      column((m) => m.subject),
      column((m) => m.time),
      column((m) => Buffer.from(m.data)),
      column((m) => m.actor),
      column((m) => m.requestId),
      column((m) => m.traceparent ?? null),
      column((m) => m.clientAddress ?? null),
      column((m) => m.via ?? null),
      column((m) => m.sequence?.toString() ?? null),
    ],
  );
}
