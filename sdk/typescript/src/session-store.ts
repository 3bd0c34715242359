import type { TimedToken } from "./token-source.ts";

/** What is kept of a session. Whoever has it can act as the user: keep it as you would keep a password. */
export interface StoredSession extends TimedToken {
  refreshToken: string;
  sessionId: string;
  userId: string;
}

/** Where a session is kept. It is read for every call, so that several holders of one store see the same session. */
export interface SessionStore {
  load(): StoredSession | undefined | Promise<StoredSession | undefined>;
  /** Undefined removes it. */
  save(session: StoredSession | undefined): void | Promise<void>;
  /**
   * Runs `work` while no other holder of the store runs theirs. A refresh token is used once: two that renew at the same time
   * can end the session. Left out: this client is the only holder.
   */
  exclusively?<T>(work: () => Promise<T>): Promise<T>;
}

/** Gone with the process or the page. */
export function memoryStore(): SessionStore {
  let held: StoredSession | undefined;
  return {
    load: () => held,
    save: (session) => {
      held = session;
    },
  };
}

export interface BrowserStoreOptions {
  /** Default "plinth.session". */
  key?: string;
  /** Default localStorage: tabs share the session, and it outlives them. sessionStorage keeps it to one tab. */
  storage?: Pick<Storage, "getItem" | "setItem" | "removeItem">;
}

/**
 * Keeps the session in the browser's storage, where every script of the page's origin can read it. Tabs take turns at
 * renewing it (Web Locks).
 */
export function browserStore(options: BrowserStoreOptions = {}): SessionStore {
  const { key = "plinth.session", storage = globalThis.localStorage } = options;
  if (!storage) throw new TypeError("browserStore: there is no localStorage here, pass a storage or use memoryStore()");
  return {
    load: () => parse(storage.getItem(key)),
    save: (session) => (session ? storage.setItem(key, JSON.stringify(session)) : storage.removeItem(key)),
    exclusively: async (work) => {
      const locks = globalThis.navigator?.locks;
      return locks ? await locks.request(key, work) : await work();
    },
  };
}

/** Undefined for what somebody else left there. */
function parse(text: string | null): StoredSession | undefined {
  if (text === null) return undefined;
  try {
    const session = JSON.parse(text) as Partial<StoredSession> | null;
    const usable = typeof session?.accessToken === "string" && typeof session.refreshToken === "string";
    return usable ? (session as StoredSession) : undefined;
  } catch {
    return undefined;
  }
}
