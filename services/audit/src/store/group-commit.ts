import type { Database, Transaction } from "@plinth/postgres";

/** Runs work in a transaction that it may share with other work. */
export interface GroupCommit {
  /**
   * Resolves when the work is committed. Work may be run again after a failure, so all its effects must be in the
   * transaction. What it throws undoes itself and nothing else.
   */
  run<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

export interface GroupCommitOptions {
  database: Database;
  /** Runs first in each transaction, for example to take the lock that all work needs. */
  begin(tx: Transaction): Promise<unknown>;
}

/** Pieces of work in one transaction; what waits beyond that comes with the next. */
const groupMax = 100;

interface Waiting {
  work: (tx: Transaction) => Promise<unknown>;
  resolve(value: unknown): void;
  reject(err: unknown): void;
}

/**
 * What arrives while a transaction is under way shares the next one: writers that need one lock wait for one commit
 * instead of for as many as there are writers. A group of which some work fails is done again piece by piece.
 */
export function createGroupCommit({ database, begin }: GroupCommitOptions): GroupCommit {
  const waiting: Waiting[] = [];
  let busy = false;

  async function commitAll(): Promise<void> {
    busy = true;
    for (let group = waiting.splice(0, groupMax); group.length > 0; group = waiting.splice(0, groupMax)) {
      await commit(group).catch(async (err: unknown) => {
        if (group.length === 1) return group[0]?.reject(err);
        for (const single of group) await commit([single]).catch(single.reject);
      });
    }
    busy = false;
  }

  async function commit(group: readonly Waiting[]): Promise<void> {
    const results = await database.transaction(async (tx) => {
      await begin(tx);
      const done: unknown[] = [];
      for (const { work } of group) done.push(await work(tx));
      return done;
    });
    for (const [at, { resolve }] of group.entries()) resolve(results[at]);
  }

  return {
    run: <T>(work: (tx: Transaction) => Promise<T>) =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
        if (!busy) void commitAll();
      }),
  };
}
