import type { Transaction } from "./database.ts";

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
