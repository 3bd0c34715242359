import { type Clock, type Component, createRounds, type Logger } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";
import { lockLogHead } from "./log-head.ts";

export interface RetentionOptions {
  database: Database;
  clock: Clock;
  logger: Logger;
  /** Undefined: entries are kept for ever. */
  retentionMs: number | undefined;
}

export interface Retention extends Component {
  /** Removes one batch. Returns how many. */
  round(): Promise<number>;
}

const intervalMs = 600_000;
const batchMax = 1_000;

/**
 * Removes entries whose time is over, oldest first; an entry that is younger stops it, so that what is left has no holes. The
 * tree keeps their hashes: roots and proofs stay what they were (c2sp.org/tlog-tiles, "Pruning").
 */
export function createRetention(options: RetentionOptions): Retention {
  const { database, clock, logger, retentionMs } = options;

  async function round(): Promise<number> {
    if (retentionMs === undefined) return 0;
    const before = new Date(clock.now() - retentionMs);
    return database.transaction(async (tx) => {
      const { pruned, size } = await lockLogHead(tx);
      const [found] = await tx.query<{ last: string | null }>(
        `SELECT coalesce(min(sequence) FILTER (WHERE record_time >= $3) - 1, max(sequence)) AS last FROM sealed_entry
         WHERE sequence > $1 AND sequence <= $2`,
        [pruned, Math.min(size, pruned + batchMax), before],
      );
      const last = Number(found?.last ?? pruned);
      if (last <= pruned) return 0;
      // First: the trigger lets only what is pruned be removed.
      await tx.query("UPDATE log_head SET pruned = $1", [last]);
      await tx.query("DELETE FROM sealed_entry WHERE sequence <= $1", [last]);
      return last - pruned;
    });
  }

  const rounds = createRounds({
    ...{ name: "audit log retention", clock, intervalMs },
    async round(signal) {
      let entries = 0;
      for (let removed = await round(); removed > 0 && !signal.aborted; removed = await round()) entries += removed;
      if (entries > 0) logger.info({ entries }, "removed audit entries whose time was over");
    },
    failed: (err) => logger.warn({ err }, "audit entries whose time is over could not be removed, trying again"),
  });

  return {
    ...rounds,
    round,
    async start() {
      if (retentionMs !== undefined) await rounds.start?.();
    },
  };
}
