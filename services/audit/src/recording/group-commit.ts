import { type Context, context, trace } from "@opentelemetry/api";
import type { Database, Transaction } from "@plinth/postgres";

/** Does work in a transaction that it may share with other work. */
export interface GroupCommit<W, R> {
  /**
   * Resolves when the work is committed. It may be done again after a failure, so all its effects must be in the
   * transaction. What fails undoes itself and nothing else.
   */
  run(work: W): Promise<R>;
}

export interface GroupCommitOptions<W, R> {
  database: Database;
  /** Does all of it, in this order, in one transaction; returns what came of each. */
  commit(tx: Transaction, works: readonly W[]): Promise<R[]>;
  /** What a piece of work counts of `groupMax`. */
  sizeOf(work: W): number;
}

/** What one transaction does; no further work is added once it has so much. */
const groupMax = 1_000;

interface Waiting<W, R> {
  work: W;
  /** Of whoever brought it: its trace and request id. */
  context: Context;
  resolve(result: R): void;
  reject(err: unknown): void;
}

/**
 * What arrives while a transaction is under way shares the next one: writers that need one lock wait for one commit
 * instead of for as many as there are writers. A group of which some work fails is done again piece by piece.
 */
export function createGroupCommit<W, R>({ database, commit, sizeOf }: GroupCommitOptions<W, R>): GroupCommit<W, R> {
  const waiting: Waiting<W, R>[] = [];
  let busy = false;

  function nextGroup(): Waiting<W, R>[] {
    let size = 0;
    const end = waiting.findIndex(({ work }) => {
      const full = size >= groupMax;
      size += sizeOf(work);
      return full;
    });
    return waiting.splice(0, end === -1 ? waiting.length : end);
  }

  async function commitAll(): Promise<void> {
    busy = true;
    for (let group = nextGroup(); group.length > 0; group = nextGroup()) {
      await commitGroup(group).catch(async (err: unknown) => {
        if (group.length === 1) return group[0]?.reject(err);
        for (const single of group) await commitGroup([single]).catch(single.reject);
      });
    }
    busy = false;
  }

  async function commitGroup(group: readonly Waiting<W, R>[]): Promise<void> {
    const works = group.map(({ work }) => work);
    const results = await context.with(sharedContext(group), () => database.transaction((tx) => commit(tx, works)));
    for (const [at, { resolve }] of group.entries()) resolve(results[at] as R);
  }

  return {
    run: (work) =>
      new Promise((resolve, reject) => {
        waiting.push({ work, context: context.active(), resolve, reject });
        if (!busy) void commitAll();
      }),
  };
}

/** One transaction cannot stand in many traces: it stands below the first that is recorded, and the others link to that one. */
function sharedContext(group: readonly { context: Context }[]): Context {
  const recorded = group.filter((each) => trace.getSpan(each.context)?.isRecording());
  const [first = group[0], ...others] = recorded;
  const leading = first && trace.getSpanContext(first.context);
  if (leading !== undefined) for (const other of others) trace.getSpan(other.context)?.addLink({ context: leading });
  return first?.context ?? context.active();
}
