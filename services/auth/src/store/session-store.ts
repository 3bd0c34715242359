import type { EventContext } from "@plinth/bus";
import type { Transaction } from "@plinth/postgres";
import type { RevokeReason, Session } from "../domain/session.ts";

export interface NewSession {
  userId: string;
  deviceName: string;
  userAgent: string;
  ipAddress: string;
}

/** A session with the refresh token that continues it. */
export interface Continued {
  session: Session;
  refreshToken: string;
  refreshExpireTime: Date;
}

/**
 * Sessions and their refresh tokens. Duties: a refresh token is exchanged once; shown again by the same client within
 * the replay window it yields the same successor, so two requests at once and a lost answer do no harm; shown again in
 * any other case it ends the session. Every end is published in the same transaction.
 */
export interface SessionStore {
  create(session: NewSession, context: EventContext): Promise<Continued>;
  /** Throws Fault unauthenticated for an unknown, expired or reused token. `client` is compared for the replay. */
  exchange(refreshToken: string, client: string, context: EventContext): Promise<Continued>;
  /** The living session of a refresh token that has not been used. */
  findByRefreshToken(refreshToken: string): Promise<Session | undefined>;
  get(id: string): Promise<Session | undefined>;
  /** Living ones, oldest first, those after the id `after`. */
  list(userId: string, page: { after: string | undefined; limit: number }): Promise<Session[]>;
  /** Returns how many ended. */
  revoke(
    where: { sessionId: string } | { userId: string; except?: string | undefined },
    reason: RevokeReason,
    context: EventContext,
  ): Promise<number>;
  /** As `revoke`, in the caller's transaction. */
  revokeIn(tx: Transaction, ...args: Parameters<SessionStore["revoke"]>): Promise<number>;
  /** Removes every trace of the user's sessions, living or not; returns how many there were. */
  eraseIn(tx: Transaction, userId: string): Promise<number>;
  /** Removes what ended long ago. */
  prune(): Promise<void>;
}
