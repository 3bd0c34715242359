import type { Transaction } from "./database.ts";

/** A fact as it waits in the outbox. `data` is the protobuf message that `type` names. */
export interface OutboxRow {
  id: string;
  topic: string;
  /** Order is kept per key: the aggregate's id. Write the row after the statement that locks the aggregate. */
  key: string;
  type: string;
  subject: string;
  time: Date;
  data: Uint8Array;
  actor: string;
  requestId: string;
  traceparent: string | undefined;
  /** Address of the caller; undefined when nobody outside called. */
  clientAddress: string | undefined;
  /** The service that acted on the actor's behalf. */
  via: string | undefined;
}

/** Channel on which the relay is woken at commit. Notifications name no schema: a wake-up too many costs one query. */
export const outboxChannel = "plinth_outbox";

export async function insertOutboxRow(tx: Transaction, row: Omit<OutboxRow, "time">): Promise<void> {
  await tx.query(
    `INSERT INTO outbox (id, topic, key, type, subject, data, actor, request_id, traceparent, client_address, via)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      ...[row.id, row.topic, row.key, row.type, row.subject, Buffer.from(row.data)],
      ...[row.actor, row.requestId, row.traceparent ?? null, row.clientAddress ?? null, row.via ?? null],
    ],
  );
  await tx.query(`SELECT pg_notify($1, current_schema())`, [outboxChannel]);
}
