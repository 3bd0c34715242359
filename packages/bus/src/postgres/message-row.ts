import type { BusMessage } from "../bus.ts";

/** A message as the tables `message` and `dead_letter` have it. */
export interface MessageRow extends Omit<BusMessage, "traceparent" | "clientAddress" | "via" | "sequence"> {
  traceparent: string | null;
  clientAddress: string | null;
  via: string | null;
  sequence: string | null;
}

/** What a query selects to get rows that `messageOfRow` takes. */
export const messageColumns = `topic, key, id, source, type, subject, time, data, actor, request_id AS "requestId", traceparent,
  client_address AS "clientAddress", via, sequence`;

export function messageOfRow(row: MessageRow): BusMessage {
  const { topic, key, id, source, type, subject, time, data, actor, requestId } = row;
  return {
    ...{ topic, key, id, source, type, subject, time, data, actor, requestId },
    traceparent: row.traceparent ?? undefined,
    clientAddress: row.clientAddress ?? undefined,
    via: row.via ?? undefined,
    sequence: row.sequence === null ? undefined : BigInt(row.sequence),
  };
}
