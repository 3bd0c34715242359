import { bigint, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";

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
