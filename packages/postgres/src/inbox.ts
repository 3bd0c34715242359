import type { Queryable, Transaction } from "./database.ts";

/**
 * Marks a message as handled by `consumer` in the transaction of its effect. False when it was handled before: then
 * the caller does nothing.
 */
export async function markHandled(tx: Transaction, consumer: string, messageId: string): Promise<boolean> {
  const rows = await tx.query(
    "INSERT INTO inbox (consumer, message_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1",
    [consumer, messageId],
  );
  return rows.length === 1;
}

/**
 * As `markHandled` for several messages at once: returns the ids of those that were not handled before, in the order given; an
 * id that is there twice counts once.
 */
export async function markAllHandled(
  tx: Transaction,
  consumer: string,
  messageIds: readonly string[],
): Promise<Set<string>> {
  // Sorted: two transactions with the same messages wait for each other in one direction only.
  const rows = await tx.query<{ id: string }>(
    `INSERT INTO inbox (consumer, message_id) SELECT $1, id FROM unnest($2::uuid[]) AS id ORDER BY id
     ON CONFLICT DO NOTHING RETURNING message_id AS id`,
    [consumer, messageIds],
    "mark_all_handled",
  );
  const marked = new Set(rows.map(({ id }) => id));
  return new Set(messageIds.filter((id) => marked.has(id.toLowerCase())));
}

const forgetRowsMax = 5_000;

/**
 * Drops marks that are older than any message that can still come; a few thousand per call, so that no statement takes long.
 * True when there are more.
 */
export async function forgetHandled(database: Queryable, olderThanMs: number): Promise<boolean> {
  const rows = await database.query(
    `DELETE FROM inbox WHERE (consumer, message_id) IN (
       SELECT consumer, message_id FROM inbox WHERE handled_at < now() - $1 * interval '1 millisecond' LIMIT ${forgetRowsMax}
     ) RETURNING 1`,
    [olderThanMs],
  );
  return rows.length === forgetRowsMax;
}
