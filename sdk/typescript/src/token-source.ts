/** Where the access tokens of calls come from. */
export interface TokenSource {
  /** The token for a call that is made now, renewed before it is over; undefined: the call is anonymous. */
  current(): Promise<AccessToken | undefined>;
  /** Another token of the same session in place of one that was refused; undefined when there is none. */
  replace(refused: AccessToken): Promise<AccessToken | undefined>;
}

export interface AccessToken {
  accessToken: string;
  /** Whose it is: a call is never made again as somebody else. Absent for service accounts. */
  sessionId?: string;
}

/** A token with its times, in milliseconds since 1970 by this machine's clock. */
export interface TimedToken extends AccessToken {
  expiresAtMs: number;
  /** From then on it is renewed before it is used. */
  renewAtMs: number;
}

/** Renewed so long before it is over, but in the last fifth of its life only. */
const renewBeforeMs = 30_000;

/** Counts from the answer's arrival, so that a wrong clock here does no harm. */
export function timed(accessToken: string, expiresInS: number, nowMs: number): TimedToken {
  const lifetimeMs = expiresInS * 1000;
  const expiresAtMs = nowMs + lifetimeMs;
  return { accessToken, expiresAtMs, renewAtMs: expiresAtMs - Math.min(renewBeforeMs, lifetimeMs / 5) };
}
