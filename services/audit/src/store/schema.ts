import { bigint, customType, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import type { Outcome } from "../domain/entry.ts";

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });
const at = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

/** Table `entry` as migrations/ makes it. */
export const entryTable = pgTable("entry", {
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
