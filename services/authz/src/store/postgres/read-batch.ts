import type { Queryable } from "@plinth/postgres";
import type { ReadRequest } from "../../domain/check/relationship-reader.ts";
import { wildcardId } from "../../domain/relationship/entity.ts";
import type { Relationship } from "../../domain/relationship/relationship.ts";
import { fromRow, type RelationshipRow, relationshipColumns } from "./relationship-table.ts";

/**
 * One way to find relationships per kind of question, each with an index of its own: an object with a million direct
 * viewers costs a check one row. The limit inside keeps the planner at one index look-up per request, whatever it
 * believes about the table.
 */
const parts = {
  subject: {
    wanted: (request: ReadRequest) => request.subject !== undefined,
    sql: lookup(
      `r.subject_type = q.subject_type AND r.subject_relation = q.subject_relation
       AND r.subject_id = ANY (ARRAY[q.subject_id, CASE q.subject_relation WHEN '' THEN '${wildcardId}' ELSE q.subject_id END])`,
    ),
  },
  usersets: {
    wanted: (request: ReadRequest) => request.usersets,
    sql: lookup("q.usersets AND r.subject_relation <> ''"),
  },
  objects: {
    wanted: (request: ReadRequest) => request.objects,
    sql: lookup(`q.objects AND r.subject_relation = '' AND r.subject_id <> '${wildcardId}'`),
  },
};

function lookup(condition: string): string {
  return `SELECT r.* FROM q CROSS JOIN LATERAL (
  SELECT ${relationshipColumns} FROM relationship r
  WHERE r.object_type = q.object_type AND r.object_id = q.object_id AND r.relation = q.relation AND ${condition}
  LIMIT $9) AS r`;
}

const requestsSql = `WITH q AS MATERIALIZED (
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::boolean[])
    AS q (object_type, object_id, relation, subject_type, subject_id, subject_relation, usersets, objects))`;

/** Reads what the requests ask for, at most `limit` relationships (a full answer may be an incomplete one). Some may come twice. */
export async function readBatch(
  tx: Queryable,
  requests: readonly ReadRequest[],
  limit: number,
): Promise<Relationship[]> {
  const needed = Object.entries(parts).filter(([, part]) => requests.some(part.wanted));
  if (needed.length === 0) return [];
  const sql = `${requestsSql}\n${needed.map(([, part]) => part.sql).join("\nUNION ALL\n")}\nLIMIT $9`;
  // Planning takes longer than reading; seven texts at most.
  const name = `authz.read ${needed.map(([kind]) => kind).join(" ")}`;
  const rows = await tx.query<RelationshipRow>(
    sql,
    [
      requests.map((request) => request.object.type),
      requests.map((request) => request.object.id),
      requests.map((request) => request.relation),
      requests.map((request) => request.subject?.type ?? null),
      requests.map((request) => request.subject?.id ?? null),
      requests.map((request) => (request.subject ? (request.subject.relation ?? "") : null)),
      requests.map((request) => request.usersets),
      requests.map((request) => request.objects),
      limit,
    ],
    name,
  );
  return rows.map(fromRow);
}
