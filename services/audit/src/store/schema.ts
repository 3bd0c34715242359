import { bigint, customType, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import type { Outcome } from "../domain/entry.ts";
import type { Numbering } from "../domain/numbering.ts";

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });
const at = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

/** Table `sealed_entry` as migrations/ makes it. */
export const sealedEntryTable = pgTable("sealed_entry", {
  sequence: bigint("sequence", { mode: "bigint" }).primaryKey(),
  id: uuid("id").notNull(),
  time: at("time").notNull(),
  recordTime: at("record_time").notNull(),
  source: text("source").notNull(),
  action: text("action").notNull(),
  outcome: text("outcome").$type<Outcome>().notNull(),
  requestId: text("request_id").notNull(),
  traceId: text("trace_id").notNull(),
  whoKey: uuid("who_key"),
  whoSealed: bytea("who_sealed").notNull(),
  whoCommitment: bytea("who_commitment").notNull(),
  whatKey: uuid("what_key"),
  whatSealed: bytea("what_sealed").notNull(),
  whatCommitment: bytea("what_commitment").notNull(),
  sourceSequence: bigint("source_sequence", { mode: "bigint" }).notNull(),
  actorTag: bytea("actor_tag"),
  resourceTag: bytea("resource_tag"),
  numbering: text("numbering").$type<Numbering>().notNull(),
});

export type SealedRow = typeof sealedEntryTable.$inferSelect;

/** Table `entry`, which the version before writes. */
export const earlierEntryTable = pgTable("entry", {
  sequence: bigint("sequence", { mode: "bigint" }).primaryKey(),
  id: uuid("id").notNull(),
  time: at("time").notNull(),
  recordTime: at("record_time").notNull().defaultNow(),
  source: text("source").notNull(),
  action: text("action").notNull(),
  actor: text("actor").notNull(),
  resource: text("resource").notNull(),
  outcome: text("outcome").$type<Outcome>().notNull(),
  requestId: text("request_id").notNull(),
  traceId: text("trace_id").notNull(),
  ipAddress: text("ip_address").notNull(),
  details: jsonb("details").$type<Record<string, unknown>>().notNull(),
  payload: bytea("payload"),
});
