import type { Transaction } from "@plinth/postgres";
import { and, count, eq, or, type SQL, sql } from "drizzle-orm";
import type { ConsistencyToken } from "../../domain/consistency-token.ts";
import { type Relationship, relationshipKey } from "../../domain/relationship/relationship.ts";
import { publishEvent } from "../../events/publish-event.ts";
import type { Change, Usage } from "../authz-store.ts";
import { createPostgresSnapshot } from "./postgres-snapshot.ts";
import {
  fromRow,
  keyArrays,
  moduleTable,
  type RelationshipRow,
  relationshipColumns,
  relationshipTable,
} from "./relationship-table.ts";

const keyColumns = "object_type, object_id, relation, subject_type, subject_id, subject_relation";
const keys = "unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]";

const insertSql = `
INSERT INTO relationship AS r (${keyColumns}, condition_name, condition_context)
SELECT * FROM ${keys}, $7::text[], $8::jsonb[])
ON CONFLICT DO NOTHING RETURNING ${relationshipColumns}`;
const deleteSql = `
DELETE FROM relationship r USING ${keys}) AS k (${keyColumns})
WHERE ${keyColumns
  .split(", ")
  .map((column) => `r.${column} = k.${column}`)
  .join(" AND ")} RETURNING ${relationshipColumns}`;
const findSql = `SELECT ${relationshipColumns} FROM ${keys}) AS k (${keyColumns}) JOIN relationship r USING (${keyColumns})`;

export function createPostgresChange(tx: Transaction, revision: string, token: ConsistencyToken): Change {
  const run = async (
    sql: string,
    relationships: readonly Relationship[],
    more: unknown[] = [],
  ): Promise<Relationship[]> => {
    if (relationships.length === 0) return [];
    const rows = await tx.query<RelationshipRow>(sql, [...keyArrays(relationships), ...more]);
    return rows.map(fromRow);
  };
  return {
    ...createPostgresSnapshot(tx, revision),
    token,
    insert(relationships) {
      const sorted = inKeyOrder(relationships);
      const names = sorted.map((r) => r.condition?.name ?? null);
      const contexts = sorted.map((r) => (r.condition ? JSON.stringify(r.condition.context) : null));
      return run(insertSql, sorted, [names, contexts]);
    },
    remove: (relationships) => run(deleteSql, inKeyOrder(relationships)),
    find: (relationships) => run(findSql, relationships),
    async putModule({ name, dsl }) {
      const set = { dsl, update_time: sql`now()` };
      await tx.drizzle
        .insert(moduleTable)
        .values({ name, ...set })
        .onConflictDoUpdate({ target: moduleTable.name, set });
      await tx.query("UPDATE store_state SET revision = revision + 1");
    },
    async countUses(usage) {
      const [row] = await tx.drizzle.select({ uses: count() }).from(relationshipTable).where(using(usage));
      return row?.uses ?? 0;
    },
    publish: (event, origin) => publishEvent(tx, event, origin),
  };
}

/** Two changes that touch the same rows lock them in the same order. */
const inKeyOrder = (relationships: readonly Relationship[]): Relationship[] =>
  relationships.toSorted((a, b) => (relationshipKey(a) < relationshipKey(b) ? -1 : 1));

function using(usage: Usage): SQL | undefined {
  const { object_type, relation, subject_type, subject_relation, condition_name } = relationshipTable;
  switch (usage.kind) {
    case "type":
      return or(eq(object_type, usage.type), eq(subject_type, usage.type));
    case "relation":
      return or(
        and(eq(object_type, usage.type), eq(relation, usage.relation)),
        and(eq(subject_type, usage.type), eq(subject_relation, usage.relation)),
      );
    case "condition":
      return eq(condition_name, usage.condition);
  }
}
