import type { Transaction } from "@plinth/postgres";

/**
 * Locks the last sequence number given out, to the end of the transaction: that makes the sequence gapless and its order the
 * commit order, and lets either a sealing or an erasure of a user come first. Whoever seals or erases does this before
 * anything else.
 */
export async function lockHead(tx: Transaction): Promise<void> {
  await tx.query("SELECT FROM head FOR UPDATE", [], "lock_head");
}

/** Gives out the next numbers; returns the one before them. */
export async function takeNumbers(tx: Transaction, count: number): Promise<bigint> {
  const [head] = await tx.query<{ before: string }>(
    "UPDATE head SET sequence = sequence + $1 RETURNING sequence - $1 AS before",
    [count],
    "take_numbers",
  );
  return BigInt(head?.before ?? 0);
}
