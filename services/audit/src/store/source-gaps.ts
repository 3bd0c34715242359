import type { Queryable, Transaction } from "@plinth/postgres";
import { type Arrival, type Gap, type Numbering, rangesOf, receive } from "../domain/numbering.ts";

/** One counting: of a source, in one of its two ways. */
export interface Counting {
  numbering: Numbering;
  source: string;
}

export type SourceGap = Counting & Gap;

/** Numbers under which a source sent something else than before. */
export interface Reuse extends Counting {
  first: bigint;
  last: bigint;
  /** The entry that had the first of them for the second time. */
  entryId: string;
  foundTime: Date;
}

/** Notes which numbers of one counting arrived. Returns how many were used before. The caller is the only one who does so. */
export async function noteNumbers(
  tx: Transaction,
  counting: Counting,
  arrivals: readonly Arrival[],
  now: Date,
): Promise<number> {
  const of = [counting.numbering, counting.source];
  const [position] = await tx.query<{ last: string }>(
    "SELECT last FROM number_position WHERE numbering = $1 AND source = $2",
    of,
  );
  const last = BigInt(position?.last ?? 0);
  const lowest = arrivals.reduce((least, { number }) => (number < least ? number : least), last + 1n);
  const stored = lowest > last ? [] : await gapsFrom(tx, counting, lowest);
  const after = receive({ last, gaps: stored }, arrivals, now);
  const kept = new Set(after.gaps);
  const known = new Set(stored);
  await removeGaps(
    tx,
    counting,
    stored.filter((gap) => !kept.has(gap)),
  );
  await insertGaps(
    tx,
    counting,
    after.gaps.filter((gap) => !known.has(gap)),
  );
  await tx.query(
    `INSERT INTO number_position (numbering, source, last) VALUES ($1, $2, $3)
     ON CONFLICT (numbering, source) DO UPDATE SET last = excluded.last`,
    [...of, String(after.last)],
  );
  for (const range of rangesOf(after.reused)) await insertReuse(tx, counting, range, now);
  return after.reused.length;
}

interface Row {
  numbering: Numbering;
  source: string;
  first: string;
  last: string;
  found_time: Date;
}

const gapOf = ({ first, last, found_time: foundTime }: Row): Gap => ({
  ...{ first: BigInt(first), last: BigInt(last), foundTime },
});

async function gapsFrom(tx: Transaction, { numbering, source }: Counting, lowest: bigint): Promise<Gap[]> {
  const rows = await tx.query<Row>(
    "SELECT * FROM number_gap WHERE numbering = $1 AND source = $2 AND last >= $3 ORDER BY first",
    [numbering, source, String(lowest)],
  );
  return rows.map(gapOf);
}

async function removeGaps(tx: Transaction, { numbering, source }: Counting, gaps: readonly Gap[]): Promise<void> {
  if (gaps.length === 0) return;
  const firsts = gaps.map(({ first }) => String(first));
  await tx.query("DELETE FROM number_gap WHERE numbering = $1 AND source = $2 AND first = ANY($3::bigint[])", [
    ...[numbering, source, firsts],
  ]);
}

async function insertGaps(tx: Transaction, { numbering, source }: Counting, gaps: readonly Gap[]): Promise<void> {
  if (gaps.length === 0) return;
  await tx.query(
    `INSERT INTO number_gap (numbering, source, first, last, found_time)
     SELECT $1, $2, gap.first, gap.last, gap.found_time
     FROM unnest($3::bigint[], $4::bigint[], $5::timestamptz[]) AS gap (first, last, found_time)`,
    [
      ...[numbering, source, gaps.map(({ first }) => String(first)), gaps.map(({ last }) => String(last))],
      gaps.map(({ foundTime }) => foundTime),
    ],
  );
}

/** What follows a range that is known makes that one longer. */
async function insertReuse(
  tx: Transaction,
  { numbering, source }: Counting,
  { first, last, id }: { first: bigint; last: bigint; id: string },
  now: Date,
): Promise<void> {
  const longer = await tx.query(
    "UPDATE number_reuse SET last = $4 WHERE numbering = $1 AND source = $2 AND last = $3 RETURNING 1",
    [numbering, source, String(first - 1n), String(last)],
  );
  if (longer.length > 0) return;
  await tx.query(
    `INSERT INTO number_reuse (numbering, source, first, last, entry_id, found_time) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (numbering, source, first) DO UPDATE SET last = greatest(number_reuse.last, excluded.last)`,
    [numbering, source, String(first), String(last), id, now],
  );
}

export interface GapQuery {
  /** All sources when empty. */
  source: string;
  now: Date;
  limit: number;
}

/**
 * Events of one source come over several topics and partitions, each at its own pace: a number that is missing may be on its way.
 * Longer than a partition waits for an event that fails, and for a member of its group that died.
 */
const settleMs = 300_000;
const settled = "(numbering = 'records' OR found_time <= $1)";
const settledBefore = (now: Date): Date => new Date(now.getTime() - settleMs);

/** The oldest first, without those that may still be filled by what is on its way. */
export async function listGaps(db: Queryable, { source, now, limit }: GapQuery): Promise<SourceGap[]> {
  const rows = await db.query<Row>(
    `SELECT * FROM number_gap WHERE ${settled} AND ($2 = '' OR source = $2) ORDER BY found_time, source, first LIMIT $3`,
    [settledBefore(now), source, limit],
  );
  return rows.map((row) => ({ numbering: row.numbering, source: row.source, ...gapOf(row) }));
}

/** How many numbers are missing, of records and of events; without those that may be on their way. */
export async function countMissing(db: Queryable, now: Date): Promise<Record<Numbering, number>> {
  const rows = await db.query<{ numbering: Numbering; missing: string }>(
    `SELECT numbering, sum(last - first + 1) AS missing FROM number_gap WHERE ${settled} GROUP BY numbering`,
    [settledBefore(now)],
  );
  return { records: 0, events: 0, ...Object.fromEntries(rows.map((row) => [row.numbering, Number(row.missing)])) };
}

/** Of one source or of all (""), the oldest first. */
export async function listReuses(db: Queryable, source: string, limit: number): Promise<Reuse[]> {
  const rows = await db.query<Row & { entry_id: string }>(
    "SELECT * FROM number_reuse WHERE $1 = '' OR source = $1 ORDER BY found_time, source, first LIMIT $2",
    [source, limit],
  );
  return rows.map((row) => ({
    ...{ numbering: row.numbering, source: row.source, entryId: row.entry_id },
    ...gapOf(row),
  }));
}
