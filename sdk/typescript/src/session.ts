import type { Client } from "@connectrpc/connect";
import type { Clock } from "./clock.ts";
import type { AuthService, TokenSet } from "./gen/plinth/auth/v1/auth_pb.ts";
import { isFault } from "./plinth-error.ts";
import type { SessionStore, StoredSession } from "./session-store.ts";
import { type AccessToken, type TokenSource, timed } from "./token-source.ts";

/** Who is signed in. */
export interface SignedIn {
  userId: string;
  sessionId: string;
}

/** "ended": the platform does not renew it any more; the user signs in again. */
export type SessionChange = "signed-in" | "renewed" | "signed-out" | "ended";

/** A user's session. Its access token goes with every call and is renewed by itself. */
export interface Session {
  /** Throws INVALID_CREDENTIALS. The device's name is shown in the user's list of sessions. */
  signIn(credentials: { email: string; password: string; deviceName?: string }): Promise<SignedIn>;
  /** Forgets the session, then ends it at the platform; throws when that could not be told. Without a session nothing happens. */
  signOut(): Promise<void>;
  /** Undefined when nobody is signed in. */
  current(): Promise<SignedIn | undefined>;
  /** An access token that is good for now, for requests that you make yourself: WebSockets, downloads. */
  accessToken(): Promise<string | undefined>;
  /** Calls back after each change that this client makes. Returns what ends that. */
  onChange(listener: (session: SignedIn | undefined, change: SessionChange) => void): () => void;
}

export interface SessionOptions {
  /** Makes calls without a token. */
  auth: Client<typeof AuthService>;
  store: SessionStore;
  clock: Clock;
}

export function createSession({ auth, store, clock }: SessionOptions): { session: Session; tokens: TokenSource } {
  const listeners = new Set<(session: SignedIn | undefined, change: SessionChange) => void>();
  let turn: Promise<unknown> = Promise.resolve();
  let renewing: { refused: AccessToken; result: Promise<StoredSession | undefined> } | undefined;

  /** One change of the session at a time, here and among all holders of the store. */
  function exclusively<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(() => (store.exclusively ? store.exclusively(work) : work()));
    turn = mine.catch(() => {});
    return mine;
  }

  async function keep(session: StoredSession | undefined, change: SessionChange): Promise<void> {
    await store.save(session);
    for (const listener of listeners) queueMicrotask(() => listener(session && signedIn(session), change));
  }

  const stored = (tokens: TokenSet): StoredSession => ({
    ...timed(tokens.accessToken, tokens.expiresIn, clock.now()),
    refreshToken: tokens.refreshToken,
    sessionId: tokens.sessionId,
    userId: subjectOf(tokens.accessToken),
  });

  /** Calls that find the same token wanting wait for one renewal. */
  function renew(refused: AccessToken): Promise<StoredSession | undefined> {
    if (renewing?.refused.accessToken === refused.accessToken) return renewing.result;
    const result = exclusively(async () => {
      const held = await store.load();
      // Meanwhile signed out, or somebody else signed in.
      if (held?.sessionId !== refused.sessionId) return undefined;
      // Meanwhile renewed by another holder.
      if (held?.accessToken !== refused.accessToken) return held;
      try {
        const next = stored(await auth.refresh({ refreshToken: held.refreshToken }));
        await keep(next, "renewed");
        return next;
      } catch (error) {
        if (isFault(error) && error.code === "unauthenticated") await keep(undefined, "ended");
        throw error;
      }
    });
    const mine = { refused, result };
    renewing = mine;
    const done = (): void => {
      if (renewing === mine) renewing = undefined;
    };
    result.then(done, done);
    return result;
  }

  async function usable(): Promise<StoredSession | undefined> {
    const held = await store.load();
    if (!held || clock.now() < held.renewAtMs) return held;
    try {
      return await renew(held);
    } catch (error) {
      // The platform is away for the moment; the token is good for a while yet.
      if (isFault(error) && error.code !== "unauthenticated" && clock.now() < held.expiresAtMs) return held;
      throw error;
    }
  }

  const session: Session = {
    async signIn({ email, password, deviceName = "" }) {
      const begun = stored(await auth.login({ email, password, deviceName }));
      await exclusively(() => keep(begun, "signed-in"));
      return signedIn(begun);
    },
    async signOut() {
      const refreshToken = await exclusively(async () => {
        const held = await store.load();
        if (held) await keep(undefined, "signed-out");
        return held?.refreshToken;
      });
      if (refreshToken !== undefined) await auth.logout({ refreshToken });
    },
    async current() {
      const held = await store.load();
      return held && signedIn(held);
    },
    accessToken: async () => (await usable())?.accessToken,
    onChange(listener) {
      // The same function twice is two listeners.
      const mine: typeof listener = (...change) => listener(...change);
      listeners.add(mine);
      return () => void listeners.delete(mine);
    },
  };
  return {
    session,
    tokens: { current: usable, replace: renew },
  };
}

const signedIn = ({ userId, sessionId }: StoredSession): SignedIn => ({ userId, sessionId });

/** The id in an access token's subject, "user:ID" (RFC 9068). Nothing is verified here: the platform does that. */
function subjectOf(accessToken: string): string {
  const payload = accessToken.split(".")[1] ?? "";
  const { sub } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) as { sub: string };
  return sub.slice(sub.indexOf(":") + 1);
}
