import type { Queryable, Transaction } from "@plinth/postgres";

/** Records that a source has numbered and that are not here. */
export interface Gap {
  source: string;
  first: bigint;
  last: bigint;
  /** When a later number arrived. */
  foundTime: Date;
}

interface GapRow {
  first: string;
  last: string;
  found_time: Date;
}

/**
 * Notes that a source's record with this number arrived: those it skipped are a gap from now on, and one that arrives late
 * is taken out of its gap. The caller holds the head's lock.
 */
export async function noteNumber(tx: Transaction, source: string, number: bigint, now: Date): Promise<void> {
  const [position] = await tx.query<{ last: string }>("SELECT last FROM source_position WHERE source = $1", [source]);
  const last = BigInt(position?.last ?? 0);
  if (number <= last) return fill(tx, source, number);
  if (number > last + 1n) await insert(tx, { source, first: last + 1n, last: number - 1n, foundTime: now });
  await tx.query(
    "INSERT INTO source_position (source, last) VALUES ($1, $2) ON CONFLICT (source) DO UPDATE SET last = excluded.last",
    [source, String(number)],
  );
}

/** What is left of a gap is one gap, two or none; a number that was in none is a second record under it, which changes nothing. */
async function fill(tx: Transaction, source: string, number: bigint): Promise<void> {
  const [gap] = await tx.query<GapRow>(
    "DELETE FROM source_gap WHERE source = $1 AND first <= $2 AND last >= $2 RETURNING first, last, found_time",
    [source, String(number)],
  );
  if (gap === undefined) return;
  const [first, last, foundTime] = [BigInt(gap.first), BigInt(gap.last), gap.found_time];
  if (first < number) await insert(tx, { source, first, last: number - 1n, foundTime });
  if (last > number) await insert(tx, { source, first: number + 1n, last, foundTime });
}

const insert = (tx: Transaction, { source, first, last, foundTime }: Gap): Promise<unknown> =>
  tx.query("INSERT INTO source_gap (source, first, last, found_time) VALUES ($1, $2, $3, $4)", [
    source,
    String(first),
    String(last),
    foundTime,
  ]);

/** Of one source or of all (""), oldest first. */
export async function listGaps(db: Queryable, source: string, limit: number): Promise<Gap[]> {
  const rows = await db.query<GapRow & { source: string }>(
    "SELECT * FROM source_gap WHERE $1 = '' OR source = $1 ORDER BY found_time, source, first LIMIT $2",
    [source, limit],
  );
  return rows.map((row) => ({
    source: row.source,
    first: BigInt(row.first),
    last: BigInt(row.last),
    foundTime: row.found_time,
  }));
}
