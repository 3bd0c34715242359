import { jsonb, pgTable, text, timestamp } from "drizzle-orm/pg-core";
import type { JsonObject, Relationship } from "../../domain/relationship/relationship.ts";

export const relationshipTable = pgTable("relationship", {
  object_type: text().notNull(),
  object_id: text().notNull(),
  relation: text().notNull(),
  subject_type: text().notNull(),
  subject_id: text().notNull(),
  subject_relation: text().notNull(),
  condition_name: text(),
  condition_context: jsonb().$type<JsonObject>(),
});

export const moduleTable = pgTable("model_module", {
  name: text().primaryKey(),
  dsl: text().notNull(),
  update_time: timestamp({ withTimezone: true }).notNull().defaultNow(),
});

export interface RelationshipRow {
  object_type: string;
  object_id: string;
  relation: string;
  subject_type: string;
  subject_id: string;
  subject_relation: string;
  condition_name: string | null;
  condition_context: JsonObject | null;
}

export const relationshipColumns =
  "r.object_type, r.object_id, r.relation, r.subject_type, r.subject_id, r.subject_relation, r.condition_name, r.condition_context";

export const fromRow = (row: RelationshipRow): Relationship => ({
  object: { type: row.object_type, id: row.object_id },
  relation: row.relation,
  subject: { type: row.subject_type, id: row.subject_id, relation: row.subject_relation || undefined },
  condition:
    row.condition_name === null ? undefined : { name: row.condition_name, context: row.condition_context ?? {} },
});

/** The six parts of the primary key, as arrays for unnest(). */
export const keyArrays = (relationships: readonly Relationship[]): string[][] => [
  relationships.map((r) => r.object.type),
  relationships.map((r) => r.object.id),
  relationships.map((r) => r.relation),
  relationships.map((r) => r.subject.type),
  relationships.map((r) => r.subject.id),
  relationships.map((r) => r.subject.relation ?? ""),
];
