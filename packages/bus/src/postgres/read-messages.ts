import type { Database } from "@plinth/postgres";
import type { BusMessage } from "../bus.ts";
import { isFull, togetherMax, togetherMaxBytes } from "../handle-together.ts";
import { type MessageRow, messageColumns, messageOfRow } from "./message-row.ts";

export interface Batch {
  messages: { position: string; message: BusMessage }[];
  /** There may be more behind it. */
  full: boolean;
}

/** What a group has not handled yet in a partition, in order, as much as may be handled at once. */
export async function readMessages(
  database: Database,
  group: string,
  at: { topic: string; partition: number },
): Promise<Batch> {
  const rows = await database.query<MessageRow & { position: string }>(
    `SELECT position, ${messageColumns} FROM (
       SELECT *, sum(octet_length(data)) OVER (ORDER BY position) - octet_length(data) AS bytes_before FROM message
       WHERE topic = $1 AND partition = $2 AND position > coalesce(
         (SELECT c.position FROM consumer c WHERE c.consumer_group = $3 AND c.topic = $1 AND c.partition = $2), 0)
       ORDER BY position LIMIT $4
     ) AS next WHERE bytes_before < $5 ORDER BY position`,
    [at.topic, at.partition, group, togetherMax, togetherMaxBytes],
    "read_messages",
  );
  const messages = rows.map((row) => ({ position: row.position, message: messageOfRow(row) }));
  return { messages, full: isFull(rows) };
}
