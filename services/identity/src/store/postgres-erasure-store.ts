import type { Database, Queryable } from "@plinth/postgres";
import { and, eq, isNotNull } from "drizzle-orm";
import type { Confirmation } from "../domain/erasure.ts";
import type { ErasureStore } from "./erasure-store.ts";
import { erasureConfirmationTable, usersTable } from "./schema.ts";

export function createPostgresErasureStore(database: Database): ErasureStore {
  async function listIn(queryable: Queryable, userId: string): Promise<Confirmation[]> {
    const rows = await queryable.drizzle
      .select()
      .from(erasureConfirmationTable)
      .where(eq(erasureConfirmationTable.userId, userId));
    return rows.map(({ userId: _, ...confirmation }) => confirmation);
  }

  return {
    list: (userId) => listIn(database, userId),
    async addIn(tx, userId, confirmation) {
      // The lock makes confirmations of one user come one after the other: exactly one of them is the last.
      const [user] = await tx.drizzle
        .select({ id: usersTable.id })
        .from(usersTable)
        .where(and(eq(usersTable.id, userId), isNotNull(usersTable.eraseTime)))
        .for("update");
      if (!user) return undefined;
      const added = await tx.drizzle
        .insert(erasureConfirmationTable)
        .values({ userId, ...confirmation })
        .onConflictDoNothing()
        .returning();
      return added.length === 0 ? undefined : listIn(tx, userId);
    },
  };
}
