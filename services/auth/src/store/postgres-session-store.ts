import type { EventContext } from "@plinth/bus";
import { type Clock, Fault, type Random } from "@plinth/kernel";
import type { Database, Transaction } from "@plinth/postgres";
import { and, asc, eq, gt, isNull, ne } from "drizzle-orm";
import { newRefreshToken, openSuccessor, refreshTokenHash, sealSuccessor } from "../domain/refresh-token.ts";
import { isAlive, type Lifetimes, type RevokeReason, type Session } from "../domain/session.ts";
import { loginSucceeded, sessionRevoked } from "../events/auth-events.ts";
import { refreshTokenTable, sessionTable } from "./schema.ts";
import type { Continued, SessionStore } from "./session-store.ts";

export interface SessionStoreDeps {
  database: Database;
  clock: Clock;
  random: Random;
  lifetimes: Lifetimes;
}

/** Ended sessions are kept this long, so that a late reuse is still recognized. */
const keepEndedMs = 86_400_000;

export function createPostgresSessionStore({ database, clock, random, lifetimes }: SessionStoreDeps): SessionStore {
  const later = (ms: number): Date => new Date(clock.now() + ms);
  const now = (): Date => new Date(clock.now());

  async function issueToken(tx: Transaction, session: Session): Promise<Continued> {
    const refreshToken = newRefreshToken(random);
    const expireTime = new Date(Math.min(clock.now() + lifetimes.refreshTokenMs, session.expireTime.getTime()));
    await tx.drizzle
      .insert(refreshTokenTable)
      .values({ hash: refreshTokenHash(refreshToken), sessionId: session.id, expireTime });
    return { session, refreshToken, refreshExpireTime: expireTime };
  }

  /** The token's row, locked: a second request with the same token waits here and then sees it consumed. */
  async function lockToken(tx: Transaction, token: string): Promise<{ row: TokenRow; session: Session } | undefined> {
    const [row] = await tx.drizzle
      .select()
      .from(refreshTokenTable)
      .where(eq(refreshTokenTable.hash, refreshTokenHash(token)))
      .for("update");
    if (!row) return undefined;
    const [session] = await tx.drizzle.select().from(sessionTable).where(eq(sessionTable.id, row.sessionId));
    return session && { row, session: toSession(session) };
  }

  async function rotate(tx: Transaction, token: string, client: string, session: Session): Promise<Continued> {
    const continued = await issueToken(tx, session);
    await tx.drizzle
      .update(refreshTokenTable)
      .set({
        consumeTime: now(),
        consumedBy: client,
        sealedSuccessor: sealSuccessor(token, continued.refreshToken, random),
      })
      .where(eq(refreshTokenTable.hash, refreshTokenHash(token)));
    await tx.drizzle.update(sessionTable).set({ lastUsedTime: now() }).where(eq(sessionTable.id, session.id));
    return continued;
  }

  /** Undefined when the successor was used already: its holder got it, so whoever shows the old one is somebody else. */
  async function replay(
    tx: Transaction,
    token: string,
    row: TokenRow,
    session: Session,
  ): Promise<Continued | undefined> {
    const refreshToken = openSuccessor(token, row.sealedSuccessor as Buffer);
    const [successor] = await tx.drizzle
      .select()
      .from(refreshTokenTable)
      .where(eq(refreshTokenTable.hash, refreshTokenHash(refreshToken)));
    if (!successor || successor.consumeTime) return undefined;
    return { session, refreshToken, refreshExpireTime: successor.expireTime };
  }

  async function revokeIn(
    tx: Transaction,
    where: Parameters<SessionStore["revoke"]>[0],
    reason: RevokeReason,
    context: EventContext,
  ): Promise<number> {
    const which =
      "sessionId" in where
        ? [eq(sessionTable.id, where.sessionId)]
        : [eq(sessionTable.userId, where.userId), ...(where.except ? [ne(sessionTable.id, where.except)] : [])];
    const ended = await tx.drizzle
      .update(sessionTable)
      .set({ revokeTime: now(), revokeReason: reason })
      .where(and(...which, isNull(sessionTable.revokeTime)))
      .returning();
    for (const session of ended)
      await sessionRevoked({ userId: session.userId, sessionId: session.id, reason })(tx, context);
    return ended.length;
  }

  return {
    create: (fresh, context) =>
      database.transaction(async (tx) => {
        const times = { createTime: now(), lastUsedTime: now(), expireTime: later(lifetimes.sessionMs) };
        const [row] = await tx.drizzle
          .insert(sessionTable)
          .values({ ...fresh, ...times, id: random.uuidv7(clock.now()) })
          .returning();
        const session = toSession(row as SessionRow);
        const { userId, ipAddress, userAgent } = session;
        const actor = { ...context, actor: `user:${userId}` };
        await loginSucceeded({ userId, sessionId: session.id, method: "password", ipAddress, userAgent })(tx, actor);
        return issueToken(tx, session);
      }),

    async exchange(token, client, context) {
      const outcome = await database.transaction(async (tx) => {
        const found = await lockToken(tx, token);
        if (!found || !isAlive(found.session, now())) return "unknown" as const;
        const { row, session } = found;
        if (row.consumeTime === null)
          return row.expireTime > now() ? rotate(tx, token, client, session) : ("unknown" as const);
        const inWindow = clock.now() - row.consumeTime.getTime() <= lifetimes.replayWindowMs;
        const replayed = inWindow && row.consumedBy === client ? await replay(tx, token, row, session) : undefined;
        if (replayed) return replayed;
        await revokeIn(tx, { sessionId: session.id }, "reuse_detected", {
          ...context,
          actor: `user:${session.userId}`,
        });
        return "reused" as const;
      });
      // The revocation must stay: it is committed before the refusal is thrown.
      if (outcome === "unknown")
        throw refused("REFRESH_TOKEN_INVALID", "the refresh token is not valid any more: sign in again");
      if (outcome === "reused")
        throw refused(
          "REFRESH_TOKEN_REUSED",
          "the refresh token was used before, so its session was ended: sign in again",
        );
      return outcome;
    },

    async findByRefreshToken(token) {
      const [row] = await database.drizzle
        .select({ session: sessionTable, token: refreshTokenTable })
        .from(refreshTokenTable)
        .innerJoin(sessionTable, eq(sessionTable.id, refreshTokenTable.sessionId))
        .where(eq(refreshTokenTable.hash, refreshTokenHash(token)));
      if (!row || row.token.consumeTime || row.token.expireTime <= now()) return undefined;
      const session = toSession(row.session);
      return isAlive(session, now()) ? session : undefined;
    },

    async get(id) {
      const [row] = await database.drizzle.select().from(sessionTable).where(eq(sessionTable.id, id));
      return row && toSession(row);
    },

    async list(userId, { after, limit }) {
      const alive = [
        eq(sessionTable.userId, userId),
        isNull(sessionTable.revokeTime),
        gt(sessionTable.expireTime, now()),
      ];
      const rows = await database.drizzle
        .select()
        .from(sessionTable)
        .where(and(...alive, ...(after ? [gt(sessionTable.id, after)] : [])))
        .orderBy(asc(sessionTable.id))
        .limit(limit);
      return rows.map(toSession);
    },

    revokeIn,
    revoke: (where, reason, context) => database.transaction((tx) => revokeIn(tx, where, reason, context)),

    async eraseIn(tx, userId) {
      // Refresh tokens go with their sessions.
      const gone = await tx.drizzle.delete(sessionTable).where(eq(sessionTable.userId, userId)).returning();
      return gone.length;
    },

    async prune() {
      // Tokens go with their sessions; in pieces, so that no lock is held for long.
      await database.query(
        `DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expire_time < $1 OR revoke_time < $1 LIMIT 5000)`,
        [new Date(clock.now() - keepEndedMs)],
      );
      await database.query(
        "DELETE FROM login_attempt WHERE window_end < $1 AND coalesce(blocked_until, window_end) < $1",
        [now()],
      );
    },
  };
}

type SessionRow = typeof sessionTable.$inferSelect;
type TokenRow = typeof refreshTokenTable.$inferSelect;

function toSession({ revokeReason: _, ...row }: SessionRow): Session {
  return { ...row, revokeTime: row.revokeTime ?? undefined };
}

const refused = (reason: string, message: string): Fault => new Fault({ code: "unauthenticated", reason, message });
