import { bigint, jsonb, pgTable, primaryKey, text, timestamp, uuid } from "drizzle-orm/pg-core";

const at = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

/** Table `users` as migrations/ makes it. */
export const usersTable = pgTable("users", {
  id: uuid("id").primaryKey(),
  email: text("email"),
  emailKey: text("email_key"),
  displayName: text("display_name").notNull(),
  state: text("state").$type<"active" | "disabled">().notNull(),
  attributes: jsonb("attributes").$type<Record<string, string>>().notNull(),
  passwordHash: text("password_hash"),
  createTime: at("create_time").notNull(),
  updateTime: at("update_time").notNull(),
  deleteTime: at("delete_time"),
  eraseTime: at("erase_time"),
  version: bigint("version", { mode: "bigint" }).notNull(),
});

/** Table `erasure_confirmation`. */
export const erasureConfirmationTable = pgTable(
  "erasure_confirmation",
  {
    userId: uuid("user_id").notNull(),
    service: text("service").notNull(),
    confirmTime: at("confirm_time").notNull(),
    removed: jsonb("removed").$type<Record<string, number>>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.service] })],
);
