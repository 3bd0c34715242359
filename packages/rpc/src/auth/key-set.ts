import { type Clock, Fault } from "@plinth/kernel";
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";

/** The public keys of an issuer: fetched when first needed, refreshed in the background, kept while the issuer is away. */
export interface KeySet {
  /** Finds the key of a token; an unknown key id causes a fetch. Throws Fault unavailable while there are no keys at all. */
  resolve: JWTVerifyGetKey;
  /** Grows whenever the keys change: what was verified before may not be good any more. */
  version(): number;
  /** Milliseconds since the issuer last confirmed the keys; undefined before the first time. */
  ageMs(): number | undefined;
  /** Fetches now; one fetch at a time. Rejects with what went wrong. */
  refresh(): Promise<void>;
}

export interface KeySetOptions {
  /** Fetches the JWK set (RFC 7517 section 5) as JSON. */
  fetch(): Promise<string>;
  clock: Clock;
  /** Keys older than this are fetched again in the background. Default 5 min. */
  refreshMs?: number;
  /** Unknown key ids cause at most one fetch in this time: forged tokens must not make us hammer the issuer. Default 5 s. */
  cooldownMs?: number;
}

/** More keys than this is no key set of ours. */
const keysMax = 32;

export function createKeySet({ fetch, clock, refreshMs = 300_000, cooldownMs = 5_000 }: KeySetOptions): KeySet {
  let keys: JWTVerifyGetKey | undefined;
  let text = "";
  let version = 0;
  let confirmedMs: number | undefined;
  let forcedMs = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | undefined;

  async function load(): Promise<void> {
    const answer = await fetch();
    if (answer !== text) {
      const document = JSON.parse(answer) as JSONWebKeySet;
      if (!Array.isArray(document.keys) || document.keys.length === 0 || document.keys.length > keysMax) {
        throw new Error(`a key set must hold 1 to ${keysMax} keys`);
      }
      keys = createLocalJWKSet(document);
      text = answer;
      version++;
    }
    confirmedMs = clock.monotonicMs();
  }

  function refresh(): Promise<void> {
    fetching ??= load().finally(() => {
      fetching = undefined;
    });
    return fetching;
  }

  function refreshInBackgroundWhenOld(): void {
    if (confirmedMs !== undefined && clock.monotonicMs() - confirmedMs > refreshMs) refresh().catch(() => {});
  }

  return {
    version: () => version,
    ageMs: () => (confirmedMs === undefined ? undefined : clock.monotonicMs() - confirmedMs),
    refresh,
    async resolve(header, token) {
      if (keys === undefined) await refresh().catch(unavailable);
      refreshInBackgroundWhenOld();
      const known = keys as JWTVerifyGetKey;
      try {
        return await known(header, token);
      } catch (err) {
        const now = clock.monotonicMs();
        if (!(err instanceof errors.JWKSNoMatchingKey) || now - forcedMs < cooldownMs) throw err;
        forcedMs = now;
        await refresh().catch(() => {});
        return (keys as JWTVerifyGetKey)(header, token);
      }
    },
  };
}

function unavailable(err: unknown): never {
  throw new Fault({
    code: "unavailable",
    reason: "KEYS_UNAVAILABLE",
    message: "tokens cannot be verified right now, try again shortly",
    retryAfterMs: 1_000,
    cause: err,
  });
}
