import type { Clock } from "@plinth/kernel";
import { type Database, violatedConstraint } from "@plinth/postgres";
import { and, asc, eq, gt, ilike, isNotNull, isNull, like, type SQL } from "drizzle-orm";
import { emailKey, emailTaken, type User, userNotFound } from "../domain/user.ts";
import { usersTable } from "./schema.ts";
import type { ListFilter, UserStore } from "./user-store.ts";

export function createPostgresUserStore(database: Database, clock: Clock): UserStore {
  return {
    insert: (user, event, context) =>
      uniqueEmail(() =>
        database.transaction(async (tx) => {
          const now = new Date(clock.now());
          const values = {
            ...user,
            emailKey: emailKey(user.email),
            passwordHash: user.passwordHash ?? null,
            state: "active" as const,
          };
          const [row] = await tx.drizzle
            .insert(usersTable)
            .values({ ...values, createTime: now, updateTime: now, version: 1n })
            .returning();
          await event(tx, context);
          return toUser(row as Row);
        }),
      ),

    change: (id, context, decide) =>
      uniqueEmail(() =>
        database.transaction(async (tx) => {
          const [row] = await tx.drizzle.select().from(usersTable).where(eq(usersTable.id, id)).for("update");
          if (!row) throw userNotFound(id);
          const current = toUser(row);
          const change = decide(current);
          if (!change) return current;
          const next: User = {
            ...current,
            ...change.fields,
            updateTime: new Date(clock.now()),
            version: current.version + 1n,
          };
          const [written] = await tx.drizzle
            .update(usersTable)
            .set(toRow(next))
            .where(eq(usersTable.id, id))
            .returning();
          await change.event(tx, context);
          return toUser(written as Row);
        }),
      ),

    async upgradeHash(id, from, to) {
      await database.query("UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2", [id, from, to]);
    },

    async get(id) {
      const [row] = await database.drizzle.select().from(usersTable).where(eq(usersTable.id, id));
      return row && toUser(row);
    },

    async findByEmail(email) {
      const [row] = await database.drizzle
        .select()
        .from(usersTable)
        .where(eq(usersTable.emailKey, emailKey(email)));
      return row && toUser(row);
    },

    async list(filter, { after, limit }) {
      const conditions = [...filterConditions(filter), ...(after === undefined ? [] : [gt(usersTable.id, after)])];
      const rows = await database.drizzle
        .select()
        .from(usersTable)
        .where(and(...conditions))
        .orderBy(asc(usersTable.id))
        .limit(limit);
      return rows.map(toUser);
    },
  };
}

type Row = typeof usersTable.$inferSelect;

function toUser({ emailKey: _, ...row }: Row): User {
  return {
    ...row,
    email: row.email ?? undefined,
    passwordHash: row.passwordHash ?? undefined,
    deleteTime: row.deleteTime ?? undefined,
    eraseTime: row.eraseTime ?? undefined,
  };
}

/** Every column: an absent value must overwrite what was there. */
function toRow(user: User): Row {
  return {
    ...user,
    email: user.email ?? null,
    emailKey: user.email === undefined ? null : emailKey(user.email),
    passwordHash: user.passwordHash ?? null,
    deleteTime: user.deleteTime ?? null,
    eraseTime: user.eraseTime ?? null,
  };
}

async function uniqueEmail<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (err) {
    throw violatedConstraint(err) === "users_email_unique" ? emailTaken() : err;
  }
}

function filterConditions({ email, emailPrefix, displayNameContains, state }: ListFilter): SQL[] {
  const byState = {
    active: [isNull(usersTable.deleteTime), eq(usersTable.state, "active")],
    disabled: [isNull(usersTable.deleteTime), eq(usersTable.state, "disabled")],
    deleted: [isNotNull(usersTable.deleteTime), isNull(usersTable.eraseTime)],
    present: [isNull(usersTable.deleteTime)],
  };
  return [
    ...byState[state],
    email ? eq(usersTable.emailKey, emailKey(email)) : undefined,
    emailPrefix ? like(usersTable.emailKey, `${escapeLike(emailKey(emailPrefix))}%`) : undefined,
    displayNameContains ? ilike(usersTable.displayName, `%${escapeLike(displayNameContains)}%`) : undefined,
  ].filter((condition) => condition !== undefined);
}

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, "\\$&");
