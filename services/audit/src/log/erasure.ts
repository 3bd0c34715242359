import { type Clock, type Component, createRounds, type Logger } from "@plinth/kernel";
import type { Database, Transaction } from "@plinth/postgres";

export interface ErasureOptions {
  database: Database;
  clock: Clock;
  logger: Logger;
}

export interface Erasure extends Component {
  /** Makes one batch unfindable. True when there may be more. */
  round(): Promise<boolean>;
}

const intervalMs = 2_000;
const batchMax = 1_000;

/**
 * Takes the keyed hashes away by which the entries of erased users could be found. Their keys are gone already; this is
 * apart, in batches, because a user may have more entries than one transaction can change in time.
 */
export function createErasure({ database, clock, logger }: ErasureOptions): Erasure {
  /** How far each user's entries were looked through; forgotten with the process, which costs a second look. */
  const done = new Map<string, bigint>();

  async function round(): Promise<boolean> {
    const [subject] = await database.query<{ id: string }>(
      "SELECT id FROM subject_key WHERE erase_time IS NOT NULL AND NOT tags_removed ORDER BY erase_time LIMIT 1",
    );
    if (subject === undefined) return false;
    const { id } = subject;
    const last = await database.transaction((tx) => removeTags(tx, id, done.get(id) ?? 0n));
    if (last === undefined) done.delete(id);
    else done.set(id, last);
    return true;
  }

  const rounds = createRounds({
    ...{ name: "audit log erasure", clock, intervalMs, round },
    failed: (err) => logger.warn({ err }, "entries of erased users can still be found, trying again"),
  });
  return { ...rounds, round };
}

/**
 * One batch of a user's entries after sequence number `after`. Returns the last of them; undefined when that was all: nothing
 * of this user can be added meanwhile, because what is recorded after the erasure has no hashes.
 */
async function removeTags(tx: Transaction, id: string, after: bigint): Promise<bigint | undefined> {
  const changed = await tx.query<{ sequence: string }>(
    `WITH next AS (
       (SELECT sequence FROM sealed_entry WHERE who_key = $1 AND sequence > $2 ORDER BY sequence LIMIT $3)
       UNION
       (SELECT sequence FROM sealed_entry WHERE what_key = $1 AND sequence > $2 ORDER BY sequence LIMIT $3)
       ORDER BY sequence LIMIT $3)
     UPDATE sealed_entry e SET
       actor_tag = CASE WHEN e.who_key = $1 THEN NULL ELSE e.actor_tag END,
       resource_tag = CASE WHEN e.what_key = $1 THEN NULL ELSE e.resource_tag END
     FROM next WHERE e.sequence = next.sequence RETURNING e.sequence`,
    [id, String(after), batchMax],
  );
  if (changed.length === batchMax)
    return changed.map(({ sequence }) => BigInt(sequence)).reduce((max, next) => (next > max ? next : max));
  await tx.query("UPDATE subject_key SET tags_removed = true WHERE id = $1", [id]);
  return undefined;
}
