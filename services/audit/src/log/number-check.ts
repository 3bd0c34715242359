import { metrics, type ObservableResult } from "@opentelemetry/api";
import { type Clock, type Component, createRounds, type Logger } from "@plinth/kernel";
import type { Database, Transaction } from "@plinth/postgres";
import type { Arrival, Numbering } from "../domain/numbering.ts";
import { countMissing, noteNumbers } from "../store/source-gaps.ts";

export interface NumberCheckOptions {
  database: Database;
  clock: Clock;
  logger: Logger;
}

/** Holds sources to the numbers that they give. Every instance has one; a row lock lets one work at a time. */
export interface NumberCheck extends Component {
  /** Checks one batch of entries. True when there may be more to do. */
  round(): Promise<boolean>;
}

const intervalMs = 1_000;
const checkMax = 5_000;

interface NumberedRow {
  sequence: string;
  id: string;
  source: string;
  numbering: Numbering;
  source_sequence: string;
}

/**
 * Reads the log behind those who write it, so that recording does not pay for it and many numbers are noted at once. Sequence
 * numbers follow the commit order: what is behind the cursor has been seen.
 */
export function createNumberCheck({ database, clock, logger }: NumberCheckOptions): NumberCheck {
  const missing = metrics.getMeter("plinth.audit").createObservableGauge("plinth_audit_missing_numbers", {
    description: "Records and events that sources have numbered and that did not arrive; every instance tells the same",
  });

  async function tell(result: ObservableResult): Promise<void> {
    const counts = await countMissing(database, new Date(clock.now())).catch(() => ({}));
    for (const [numbering, count] of Object.entries(counts)) result.observe(count, { numbering });
  }

  const round = (): Promise<boolean> =>
    database.transaction(async (tx) => {
      const [cursor] = await tx.query<{ sequence: string }>(
        "SELECT sequence FROM number_check FOR UPDATE SKIP LOCKED",
        [],
        "lock_number_check",
      );
      if (cursor === undefined) return false;
      const rows = await tx.query<NumberedRow>(
        `SELECT sequence, id, source, numbering, source_sequence FROM sealed_entry WHERE sequence > $1 ORDER BY sequence LIMIT ${checkMax}`,
        [cursor.sequence],
        "unchecked_numbers",
      );
      const end = rows.at(-1)?.sequence;
      if (end === undefined) return false;
      await note(tx, rows);
      await tx.query("UPDATE number_check SET sequence = $1", [end]);
      return rows.length === checkMax;
    });

  async function note(tx: Transaction, rows: readonly NumberedRow[]): Promise<void> {
    const numbered = rows.filter((row) => row.source_sequence !== "0");
    for (const group of Map.groupBy(numbered, ({ numbering, source }) => `${numbering} ${source}`).values()) {
      const { numbering, source } = group[0] as NumberedRow;
      const arrivals = group.map(({ id, source_sequence }): Arrival => ({ id, number: BigInt(source_sequence) }));
      const reused = await noteNumbers(tx, { numbering, source }, arrivals, new Date(clock.now()));
      if (reused > 0)
        logger.error(
          { source, numbering, reused },
          "a source used numbers again: its database was restored from a backup, or two publish under one name",
        );
    }
  }

  const rounds = createRounds({
    ...{ name: "number check", clock, intervalMs, round },
    failed: (err) => logger.warn({ err }, "numbers of sources could not be checked, trying again"),
  });

  return {
    ...rounds,
    round,
    async start() {
      missing.addCallback(tell);
      await rounds.start?.();
    },
    async stop(signal) {
      missing.removeCallback(tell);
      await rounds.stop?.(signal);
    },
  };
}
