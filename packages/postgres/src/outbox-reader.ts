import type pg from "pg";
import type { OutboxRow } from "./outbox.ts";
import { type Gap, newGaps, stillOpen, withoutFilled } from "./outbox-gaps.ts";

export interface WaitingRow extends OutboxRow {
  position: string;
  /** Number among the service's events, from 1 and without gaps; a row that is handed out again has the same one. */
  sequence: bigint;
}

type StoredRow = Omit<WaitingRow, "sequence">;

export interface Backlog {
  /** Rows that wait, at most: positions that were rolled back count until they are passed. */
  waiting: number;
  /** How long the oldest has waited; undefined when none waits. */
  oldestMs: number | undefined;
}

/** The outbox as the one relay that leads sees it, on the connection that holds its lock. */
export interface OutboxReader {
  /** The next rows, in order; the same ones until `published` has been told of them. */
  read(): Promise<WaitingRow[]>;
  /** Remembers that the rows of the last read are on the bus. */
  published(): Promise<void>;
  backlog(): Promise<Backlog>;
  /** Directs new rows to the next slot when it is time, and truncates slots of which everything is published. */
  tidy(): Promise<void>;
}

const outboxBatchMax = 500;
/** Values of one batch together; a batch has at least one row. */
const batchMaxBytes = 1024 * 1024;
/** Gaps at a time: a relay that has more waits for transactions to end before it goes on. */
const gapsMax = 10_000;
const slots = 3;
/** A slot is left after so many rows, or after so long when there are any. */
const slotRowsMax = 50_000;
const slotMaxS = 600;
/** Writers to the slot that is left are waited for this long; then the next call tries again. */
const truncateLockTimeoutMs = 100;

const columns = `position, id, topic, key, type, subject, time, data, actor, request_id AS "requestId", traceparent,
  client_address AS "clientAddress", via`;

/**
 * Positions are given out before commits, so a row may appear behind others that are published already. Whoever inserts holds a
 * lock on the outbox from before he gets his position until his transaction ends; so a gap is watched until all
 * who held such a lock when it was seen have ended, and for one more look.
 *
 * Numbers are given out in the order of publication. Which rows get the next ones is written down before anybody sees them: after a
 * crash the same rows are published under the same numbers first, also when others have appeared between them.
 */
export async function openOutbox(client: pg.Client): Promise<OutboxReader> {
  const [cursor] = (await client.query("SELECT high, gap_starts, gap_ends, numbered, claimed FROM outbox_cursor")).rows;
  let numbered = BigInt(cursor.numbered);
  let high = Number(cursor.high);
  const writersAtOpen = await writers();
  let gaps: Gap[] = cursor.gap_starts.map((start: string, i: number) => ({
    start: Number(start),
    end: Number(cursor.gap_ends[i]),
    writers: writersAtOpen,
  }));
  let next = { high, gaps };
  let inHand = await leftInHand(cursor.claimed);

  async function writers(): Promise<Set<string>> {
    const { rows } = await client.query(
      `SELECT DISTINCT virtualtransaction AS writer FROM pg_locks
       WHERE relation = 'outbox'::regclass AND mode = 'RowExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid()
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    return new Set(rows.map((row) => row.writer as string));
  }

  /**
   * One statement, and with it one snapshot: a row that follows a late one must not be seen before it. Positions in
   * gaps are all below `high`.
   */
  async function readRows(): Promise<StoredRow[]> {
    const behindMax = gaps.length < gapsMax ? outboxBatchMax : 0;
    const { rows } = await client.query({
      name: "outbox-read",
      text: `SELECT * FROM (
          (SELECT ${columns} FROM unnest($3::bigint[], $4::bigint[]) AS gap (first, last)
             JOIN outbox ON position BETWEEN first AND last ORDER BY position LIMIT $2)
          UNION ALL
          (SELECT ${columns} FROM outbox WHERE position > $1 ORDER BY position LIMIT $5)
        ) AS waiting ORDER BY position LIMIT $2`,
      values: [high, outboxBatchMax, gaps.map(({ start }) => start), gaps.map(({ end }) => end), behindMax],
    });
    return limited(rows);
  }

  /** What a relay before had given numbers to and did not note as published; without what was truncated since. */
  async function leftInHand(claimed: string[]): Promise<WaitingRow[]> {
    if (claimed.length === 0) return [];
    const text = `SELECT ${columns} FROM outbox WHERE position = ANY($1::bigint[]) ORDER BY position`;
    const { rows } = await client.query<StoredRow>(text, [claimed]);
    const first = numbered - BigInt(claimed.length - 1);
    await passed(rows, gaps);
    return rows.map((row) => ({ ...row, sequence: first + BigInt(claimed.indexOf(row.position)) }));
  }

  /** Where the cursor will be once these rows are published; `open`: the gaps that are watched further. */
  async function passed(rows: readonly StoredRow[], open: Gap[]): Promise<void> {
    const positions = rows.map(({ position }) => Number(position));
    const late = new Set(positions.filter((position) => position <= high));
    const behind = positions.filter((position) => position > high);
    // With late rows there may be more of them than fit: nothing is given up then.
    const watched = late.size > 0 ? withoutFilled(gaps, late) : open;
    const found = newGaps(high, behind, noWriters);
    const writing = found.length > 0 ? await writers() : noWriters;
    next = { high: behind.at(-1) ?? high, gaps: [...watched, ...found.map((gap) => ({ ...gap, writers: writing }))] };
    if (late.size === 0) gaps = open;
  }

  async function claim(rows: readonly StoredRow[]): Promise<WaitingRow[]> {
    if (rows.length === 0) return [];
    const last = numbered + BigInt(rows.length);
    await client.query({
      name: "outbox-claim",
      text: "UPDATE outbox_cursor SET numbered = $1, claimed = $2",
      values: [String(last), rows.map(({ position }) => position)],
    });
    const first = numbered + 1n;
    numbered = last;
    return rows.map((row, at) => ({ ...row, sequence: first + BigInt(at) }));
  }

  return {
    async read() {
      if (inHand.length > 0) return inHand;
      // Asked before the rows: what those have written who are not writing any more, the rows will show.
      const open = gaps.length > 0 ? stillOpen(gaps, await writers()) : gaps;
      const rows = await readRows();
      await passed(rows, open);
      inHand = await claim(rows);
      return inHand;
    },

    async published() {
      await client.query({
        name: "outbox-published",
        text: "UPDATE outbox_cursor SET high = $1, gap_starts = $2, gap_ends = $3, claimed = '{}'",
        values: [next.high, next.gaps.map(({ start }) => start), next.gaps.map(({ end }) => end)],
      });
      ({ high, gaps } = next);
      inHand = [];
    },

    async backlog() {
      const { rows } = await client.query(
        `SELECT (SELECT max(position) FROM outbox) AS last,
           (SELECT extract(epoch FROM clock_timestamp() - time) * 1000 FROM outbox WHERE position > $1 ORDER BY position LIMIT 1) AS oldest`,
        [high],
      );
      const { last, oldest } = rows[0];
      return { waiting: Math.max(0, Number(last ?? 0) - high), oldestMs: oldest === null ? undefined : Number(oldest) };
    },

    async tidy() {
      const { rows } = await client.query(
        `UPDATE outbox_cursor SET slot = (slot + 1) % ${slots}, rotated_at = now(), rotated_high = high
         WHERE high - rotated_high >= $1 OR (high > rotated_high AND rotated_at < now() - $2 * interval '1 second')
         RETURNING slot`,
        [slotRowsMax, slotMaxS],
      );
      if (rows.length > 0) for (let slot = 0; slot < slots; slot++) if (slot !== rows[0].slot) await truncate(slot);
    },
  };

  /** Only when nothing in it waits; with the table locked, so that nobody adds to it in between. */
  async function truncate(slot: number): Promise<void> {
    const table = `outbox_${slot}`;
    await client.query("BEGIN");
    try {
      await client.query(`SET LOCAL lock_timeout = ${truncateLockTimeoutMs}`);
      await client.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
      const { rows } = await client.query(
        `SELECT EXISTS (SELECT FROM ${table} WHERE position > $1) OR EXISTS (
           SELECT FROM unnest($2::bigint[], $3::bigint[]) AS gap (first, last) JOIN ${table} ON position BETWEEN first AND last
         ) AS waiting`,
        [high, gaps.map(({ start }) => start), gaps.map(({ end }) => end)],
      );
      if (!rows[0].waiting) await client.query(`TRUNCATE ${table}`);
      await client.query("COMMIT");
    } catch (err) {
      await client.query("ROLLBACK");
      // Somebody still writes to it; it is looked at again when the next slot is left.
      if ((err as { code?: string }).code !== "55P03") throw err;
    }
  }
}

const noWriters: ReadonlySet<string> = new Set();

function limited(rows: StoredRow[]): StoredRow[] {
  let bytes = 0;
  const end = rows.findIndex(({ data }, i) => {
    bytes += data.byteLength;
    return i > 0 && bytes > batchMaxBytes;
  });
  return end === -1 ? rows : rows.slice(0, end);
}
