import type { Clock, Logger } from "@plinth/kernel";
import { createDatabase, type Database } from "@plinth/postgres";
import type { DeadLetter, DeadLetterFilter, DeadLetters } from "../dead-letters.ts";
import { type MessageRow, messageColumns, messageOfRow } from "./message-row.ts";
import { busChannel, replayTopic } from "./schema.ts";

/** Keeps a letter; one that was handed back and failed again takes the place of its former self. */
export async function storeDeadLetter(database: Database, letter: DeadLetter): Promise<void> {
  const { message: m } = letter;
  await database.query(
    `INSERT INTO dead_letter (id, consumer_group, topic, key, source, type, subject, time, data, actor, request_id, traceparent,
       client_address, via, sequence, partition, position, attempts, error, failed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
     ON CONFLICT (consumer_group, id) DO UPDATE
       SET attempts = excluded.attempts, error = excluded.error, failed_at = excluded.failed_at, replay_at = NULL`,
    [
      ...[m.id, letter.group, m.topic, m.key, m.source, m.type, m.subject, m.time, Buffer.from(m.data)],
      ...[m.actor, m.requestId, m.traceparent ?? null],
      ...[m.clientAddress ?? null, m.via ?? null, m.sequence?.toString() ?? null],
      ...[letter.partition, letter.position, letter.attempts, letter.error, letter.failedAt],
    ],
  );
}

export interface PostgresDeadLettersOptions {
  /** postgres:// URL of the role plinth_bus. */
  url: string;
  logger: Logger;
  clock: Clock;
}

interface Row extends MessageRow {
  group: string;
  partition: number;
  position: string;
  error: string;
  attempts: number;
  failedAt: Date;
}

/** `filter` as the parameters $1 to $3. */
const matching = `replay_at IS NULL AND ($1::text IS NULL OR consumer_group = $1)
  AND ($2::text IS NULL OR topic = $2) AND ($3::text IS NULL OR id::text = $3)`;
const parameters = ({ group, topic, id }: DeadLetterFilter) => [group ?? null, topic ?? null, id ?? null];

/** The dead letters of the bus in PostgreSQL; one that is handed back is marked, and its group's consumers look for marks. */
export function createPostgresDeadLetters(options: PostgresDeadLettersOptions): DeadLetters {
  const database = createDatabase({ ...options, applicationName: "dead letters", poolMax: 1 });
  return {
    async list(filter) {
      const rows = await database.query<Row>(
        `SELECT consumer_group AS "group", partition, position, error, attempts, failed_at AS "failedAt", ${messageColumns}
         FROM dead_letter WHERE ${matching} ORDER BY failed_at, id`,
        parameters(filter),
      );
      return rows.map(({ group, partition, position, error, attempts, failedAt, ...row }) => ({
        ...{ group, partition, position, error, attempts, failedAt },
        message: messageOfRow(row),
      }));
    },
    async replay(filter) {
      const rows = await database.query<{ group: string }>(
        `UPDATE dead_letter SET replay_at = now() WHERE ${matching} RETURNING consumer_group AS "group"`,
        parameters(filter),
      );
      for (const group of new Set(rows.map((row) => row.group))) {
        await database.query("SELECT pg_notify($1, $2)", [busChannel, replayTopic(group)]);
      }
      return rows.length;
    },
    close: async () => database.stop?.(AbortSignal.timeout(5_000)),
  };
}
