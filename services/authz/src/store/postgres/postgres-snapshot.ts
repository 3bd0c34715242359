import type { Queryable } from "@plinth/postgres";
import { and, asc, eq, type SQL, sql } from "drizzle-orm";
import type { Relationship } from "../../domain/relationship/relationship.ts";
import type { RelationshipFilter } from "../../domain/relationship/relationship-filter.ts";
import type { Snapshot } from "../authz-store.ts";
import { createCoalescedReaders } from "../coalesced-reader.ts";
import { readBatch } from "./read-batch.ts";
import { fromRow, keyArrays, moduleTable, relationshipTable } from "./relationship-table.ts";

export function createPostgresSnapshot(tx: Queryable, revision: string): Snapshot {
  return {
    revision,
    reader: createCoalescedReaders((requests, limit) => readBatch(tx, requests, limit)),
    async modules() {
      const rows = await tx.drizzle.select().from(moduleTable).orderBy(asc(moduleTable.name));
      return rows.map((row) => ({ name: row.name, dsl: row.dsl, updateTime: row.update_time }));
    },
    async list(filter, after, limit) {
      const { object_type, object_id, relation, subject_type, subject_id, subject_relation } = relationshipTable;
      const rows = await tx.drizzle
        .select()
        .from(relationshipTable)
        .where(and(...matching(filter), after && following(after)))
        .orderBy(object_type, object_id, relation, subject_type, subject_id, subject_relation)
        .limit(limit);
      return rows.map(fromRow);
    },
  };
}

function matching({ objectType, objectId, relation, subject }: RelationshipFilter): (SQL | undefined)[] {
  const table = relationshipTable;
  return [
    objectType === undefined ? undefined : eq(table.object_type, objectType),
    objectId === undefined ? undefined : eq(table.object_id, objectId),
    relation === undefined ? undefined : eq(table.relation, relation),
    subject && eq(table.subject_type, subject.type),
    subject && eq(table.subject_id, subject.id),
    subject && eq(table.subject_relation, subject.relation ?? ""),
  ];
}

function following(after: Relationship): SQL {
  const { object_type, object_id, relation, subject_type, subject_id, subject_relation } = relationshipTable;
  const key = keyArrays([after]).map(([part]) => sql`${part}`);
  return sql`(${object_type}, ${object_id}, ${relation}, ${subject_type}, ${subject_id}, ${subject_relation}) > (${sql.join(key, sql`, `)})`;
}
