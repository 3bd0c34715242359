import { createHmac } from "node:crypto";
import { type Clock, derivedKey, Fault } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";

/**
 * Slows down guessing. Three counters: one account from one address, one address over all accounts, and one account
 * over all addresses. The last never blocks an address from which the account has signed in before: an attacker cannot
 * lock the owner out.
 */
export interface LoginThrottle {
  /** Counts the attempt before the password is looked at. Throws Fault resource_exhausted with the time to wait. */
  admit(email: string, address: string): Promise<void>;
  /** Forgets the counts of the account and remembers the address as the owner's. */
  succeeded(email: string, address: string): Promise<void>;
  /** Keyed hash of the address a person tried to sign in with, for events. */
  identifierHash(email: string): string;
}

interface Scope {
  name: "pair" | "address" | "account";
  /** Attempts in a window that cost nothing. */
  free: number;
  windowMs: number;
  /** Wait after the first attempt too many; doubles with each further one. */
  delayMs: number;
  delayMaxMs: number;
}

const minute = 60_000;
const scopes: readonly Scope[] = [
  { name: "pair", free: 5, windowMs: 15 * minute, delayMs: 1_000, delayMaxMs: 15 * minute },
  { name: "address", free: 100, windowMs: 10 * minute, delayMs: 5_000, delayMaxMs: 10 * minute },
  { name: "account", free: 50, windowMs: 60 * minute, delayMs: 5_000, delayMaxMs: 5 * minute },
];
/** An address from which the owner signed in counts as known for this long. */
const knownMs = 90 * 24 * 60 * minute;

/** `dataKey` is asked for at the first use. */
export function createLoginThrottle(database: Database, clock: Clock, dataKey: () => Buffer): LoginThrottle {
  const key = derivedKey(dataKey, "plinth login throttle");
  const digest = (...parts: string[]): Buffer => createHmac("sha256", key()).update(parts.join("\u0000")).digest();
  const normalized = (email: string): string => email.normalize("NFKC").toLowerCase().trim();
  const keyOf = (scope: Scope["name"] | "known", email: string, address: string): Buffer =>
    scope === "address"
      ? digest(scope, address)
      : scope === "account"
        ? digest(scope, normalized(email))
        : digest(scope, normalized(email), address);

  /** Raises one counter; returns how long to wait, 0 when admitted. A blocked attempt is not counted again. */
  async function count(scope: Scope, counterKey: Buffer): Promise<number> {
    const nowMs = clock.now();
    const [row] = await database.query<{ attempts: number; blocked_until: Date | null }>(
      `INSERT INTO login_attempt AS a (scope, key, attempts, window_end) VALUES ($1, $2, 1, $4)
       ON CONFLICT (scope, key) DO UPDATE SET
         attempts = CASE WHEN a.window_end < $3 THEN 1 WHEN a.blocked_until > $3 THEN a.attempts ELSE a.attempts + 1 END,
         window_end = CASE WHEN a.window_end < $3 THEN $4 ELSE a.window_end END,
         blocked_until = CASE
           WHEN a.window_end < $3 THEN NULL
           WHEN a.blocked_until > $3 THEN a.blocked_until
           WHEN a.attempts + 1 > $5 THEN $3 + least($7::float8, $6::float8 * 2 ^ least(a.attempts + 1 - $5 - 1, 20)) * interval '1 millisecond'
           ELSE NULL END
       RETURNING attempts, blocked_until`,
      [
        scope.name,
        counterKey,
        new Date(nowMs),
        new Date(nowMs + scope.windowMs),
        scope.free,
        scope.delayMs,
        scope.delayMaxMs,
      ],
    );
    return row?.blocked_until ? Math.max(1, row.blocked_until.getTime() - nowMs) : 0;
  }

  async function isKnown(email: string, address: string): Promise<boolean> {
    const rows = await database.query(
      "SELECT 1 FROM login_attempt WHERE scope = 'known' AND key = $1 AND window_end > $2",
      [keyOf("known", email, address), new Date(clock.now())],
    );
    return rows.length > 0;
  }

  return {
    identifierHash: (email) => digest("identifier", normalized(email)).toString("hex").slice(0, 32),
    async admit(email, address) {
      let waitMs = 0;
      for (const scope of scopes) {
        if (scope.name === "account" && (await isKnown(email, address))) continue;
        waitMs = Math.max(waitMs, await count(scope, keyOf(scope.name, email, address)));
        if (waitMs > 0) break;
      }
      if (waitMs === 0) return;
      throw new Fault({
        code: "resource_exhausted",
        reason: "LOGIN_THROTTLED",
        message: `too many attempts to sign in, try again in ${Math.ceil(waitMs / 1000)} seconds`,
        retryAfterMs: waitMs,
      });
    },
    async succeeded(email, address) {
      await database.query(
        "DELETE FROM login_attempt WHERE (scope = 'pair' AND key = $1) OR (scope = 'account' AND key = $2)",
        [keyOf("pair", email, address), keyOf("account", email, address)],
      );
      // Many people behind one address sign in all day: only what failed is held against it.
      await database.query(
        "UPDATE login_attempt SET attempts = greatest(attempts - 1, 0) WHERE scope = 'address' AND key = $1",
        [keyOf("address", email, address)],
      );
      await database.query(
        `INSERT INTO login_attempt (scope, key, attempts, window_end) VALUES ('known', $1, 0, $2)
         ON CONFLICT (scope, key) DO UPDATE SET window_end = excluded.window_end`,
        [keyOf("known", email, address), new Date(clock.now() + knownMs)],
      );
    },
  };
}
