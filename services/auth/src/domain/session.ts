export interface Session {
  id: string;
  userId: string;
  deviceName: string;
  userAgent: string;
  ipAddress: string;
  createTime: Date;
  lastUsedTime: Date;
  /** Absolute end. */
  expireTime: Date;
  revokeTime: Date | undefined;
}

export type RevokeReason =
  | "logout"
  | "revoked"
  | "reuse_detected"
  | "password_changed"
  | "user_disabled"
  | "user_deleted";

export const isAlive = (session: Pick<Session, "revokeTime" | "expireTime">, now: Date): boolean =>
  session.revokeTime === undefined && session.expireTime > now;

/** Lifetimes, all in milliseconds. */
export interface Lifetimes {
  /** A refresh token that is not used for this long ends with its session. */
  refreshTokenMs: number;
  sessionMs: number;
  /** A consumed refresh token gives the same successor again within this, for answers that got lost. */
  replayWindowMs: number;
}
