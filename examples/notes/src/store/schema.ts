import { pgTable, primaryKey, text, timestamp, uuid } from "drizzle-orm/pg-core";

/** The tables as migrations/ makes them. */
export const noteTable = pgTable("note", {
  id: uuid("id").primaryKey(),
  ownerId: uuid("owner_id").notNull(),
  title: text("title").notNull(),
  text: text("text").notNull(),
  createTime: timestamp("create_time", { withTimezone: true, mode: "date" }).notNull(),
});

export const viewerTable = pgTable(
  "note_viewer",
  { userId: uuid("user_id").notNull(), noteId: uuid("note_id").notNull() },
  (table) => [primaryKey({ columns: [table.userId, table.noteId] })],
);
