import { customType, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import type { JWK } from "jose";

const at = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });
const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });

export const sessionTable = pgTable("session", {
  id: uuid("id").primaryKey(),
  userId: uuid("user_id").notNull(),
  deviceName: text("device_name").notNull(),
  userAgent: text("user_agent").notNull(),
  ipAddress: text("ip_address").notNull(),
  createTime: at("create_time").notNull(),
  lastUsedTime: at("last_used_time").notNull(),
  expireTime: at("expire_time").notNull(),
  revokeTime: at("revoke_time"),
  revokeReason: text("revoke_reason"),
});

export const refreshTokenTable = pgTable("refresh_token", {
  hash: bytea("hash").primaryKey(),
  sessionId: uuid("session_id").notNull(),
  expireTime: at("expire_time").notNull(),
  consumeTime: at("consume_time"),
  sealedSuccessor: bytea("sealed_successor"),
  consumedBy: text("consumed_by"),
});

export const signingKeyTable = pgTable("signing_key", {
  kid: text("kid").primaryKey(),
  publicJwk: jsonb("public_jwk").$type<JWK>().notNull(),
  sealedPrivateJwk: bytea("sealed_private_jwk").notNull(),
  state: text("state").$type<"next" | "active" | "retired">().notNull(),
  createTime: at("create_time").notNull(),
  activateTime: at("activate_time"),
  retireTime: at("retire_time"),
});

export const serviceCredentialTable = pgTable("service_credential", {
  clientId: text("client_id").primaryKey(),
  serviceName: text("service_name").notNull(),
  description: text("description").notNull(),
  secretHash: bytea("secret_hash").notNull(),
  createTime: at("create_time").notNull(),
  expireTime: at("expire_time"),
  lastUsedTime: at("last_used_time"),
  revokeTime: at("revoke_time"),
});
