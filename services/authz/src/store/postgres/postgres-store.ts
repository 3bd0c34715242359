import type { Database } from "@plinth/postgres";
import { stateNotYetVisible, unknownState } from "../../domain/consistency-token.ts";
import type { AuthzStore, ChangeMode } from "../authz-store.ts";
import { createPostgresChange } from "./postgres-change.ts";
import { createPostgresSnapshot } from "./postgres-snapshot.ts";

interface StateRow {
  revision: string;
  /** First 8 bytes of the store's id, in hex. */
  store: string;
  visibility: "visible" | "pending" | "unknown";
}

const storeColumn = `left(replace(store_id::text, '-', ''), 16) AS store`;

/** First statement of a transaction: with "repeatable read" everything after it sees the state that it saw. */
const stateSql = `
SELECT revision::text, ${storeColumn},
  CASE WHEN $1::xid8 IS NULL OR pg_visible_in_snapshot($1::xid8, now_visible) THEN 'visible'
       WHEN $1::xid8 < pg_snapshot_xmax(now_visible) THEN 'pending' ELSE 'unknown' END AS visibility
FROM store_state, pg_current_snapshot() AS now_visible`;

const changeSql = `SELECT revision::text, ${storeColumn}, pg_current_xact_id()::text AS transaction FROM store_state`;

/** Changes take this lock of the schema for as long as they run: see ChangeMode. */
const lockSql: Record<ChangeMode, string> = {
  shared: "SELECT pg_advisory_xact_lock_shared(hashtextextended(current_schema() || '.relationship', 0))",
  exclusive: "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.relationship', 0))",
};

const noState = "table store_state has no row: its migration has not run";

export function createPostgresStore(database: Database): AuthzStore {
  return {
    read: (atLeast, work) =>
      database.transaction(
        async (tx) => {
          const [state] = await tx.query<StateRow>(stateSql, [atLeast?.transaction.toString() ?? null]);
          if (!state) throw new Error(noState);
          if ((atLeast && atLeast.store !== state.store) || state.visibility === "unknown") throw unknownState();
          if (state.visibility === "pending") throw stateNotYetVisible();
          return work(createPostgresSnapshot(tx, state.revision));
        },
        { isolation: "repeatable read", readOnly: true },
      ),
    // "read committed": statements after the lock see what the previous holder committed.
    change: (mode, work) =>
      database.transaction(async (tx) => {
        await tx.query(lockSql[mode]);
        const [state] = await tx.query<{ revision: string; store: string; transaction: string }>(changeSql);
        if (!state) throw new Error(noState);
        const token = { store: state.store, transaction: BigInt(state.transaction) };
        return work(createPostgresChange(tx, state.revision, token));
      }),
  };
}
