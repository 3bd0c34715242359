import { hash } from "node:crypto";
import { type Clock, Fault } from "@plinth/kernel";
import { createLocalJWKSet, decodeProtectedHeader, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import type { Principal } from "../principal.ts";

export interface VerifiedToken {
  principal: Principal;
  /** Seconds since 1970. */
  expiresAt: number;
}

export interface AccessTokenVerifier {
  /** Throws Fault unauthenticated for a token that is not good, unavailable when no key could be had. */
  verify(token: string): Promise<VerifiedToken>;
}

export interface AccessTokenVerifierOptions {
  /** Fetches the JWK set (RFC 7517) as JSON. */
  keys(): Promise<string>;
  issuer: string;
  audience: string;
  clock: Clock;
  /** Keys older than this are fetched again in the background. Default 5 min. */
  refreshMs?: number;
}

interface KeySet {
  resolve: ReturnType<typeof createLocalJWKSet>;
  kids: ReadonlySet<string>;
  fetchedMs: number;
}

const algorithms = ["EdDSA", "ES256"];
/** Clocks of two machines may differ by this much. */
const clockToleranceS = 30;
const cacheMax = 10_000;
/** An unknown key id causes at most one fetch in this time, so that forged tokens cannot make us hammer the auth service. */
const unknownKeyCooldownMs = 5_000;

/** Verifies access tokens of RFC 9068: fixed algorithms, type at+jwt, issuer, audience and expiry (RFC 8725). */
export function createAccessTokenVerifier(options: AccessTokenVerifierOptions): AccessTokenVerifier {
  const { clock } = options;
  const cache = new Map<string, VerifiedToken>();
  const keysFor = createKeySource(options);
  return {
    async verify(token) {
      const digest = hash("sha256", token, "base64");
      const cached = cache.get(digest);
      if (cached) {
        if (cached.expiresAt + clockToleranceS > clock.now() / 1000) return cached;
        cache.delete(digest);
        throw bad("TOKEN_EXPIRED", "the access token has expired: refresh it");
      }
      const keys = await keysFor(keyIdOf(token));
      const verified = await verifyWith(token, keys, options);
      if (cache.size >= cacheMax) cache.delete(cache.keys().next().value as string);
      cache.set(digest, verified);
      return verified;
    },
  };
}

/** Keeps the key set: fetched when first needed, refreshed in the background, fetched again for an unknown key id. */
function createKeySource({
  keys,
  clock,
  refreshMs = 300_000,
}: AccessTokenVerifierOptions): (kid: string) => Promise<KeySet["resolve"]> {
  let keySet: KeySet | undefined;
  let fetching: Promise<KeySet> | undefined;
  let lastForcedMs = Number.NEGATIVE_INFINITY;

  function fetchKeys(): Promise<KeySet> {
    fetching ??= (async () => {
      const parsed = JSON.parse(await keys()) as JSONWebKeySet;
      keySet = {
        resolve: createLocalJWKSet(parsed),
        kids: new Set(parsed.keys.map((k) => k.kid ?? "")),
        fetchedMs: clock.monotonicMs(),
      };
      return keySet;
    })().finally(() => {
      fetching = undefined;
    });
    return fetching;
  }

  return async (kid) => {
    const now = clock.monotonicMs();
    if (!keySet) return (await fetchKeys().catch(keysUnavailable)).resolve;
    if (!keySet.kids.has(kid) && now - lastForcedMs >= unknownKeyCooldownMs) {
      lastForcedMs = now;
      await fetchKeys().catch(() => {});
    } else if (now - keySet.fetchedMs > refreshMs) void fetchKeys().catch(() => {});
    return keySet.resolve;
  };
}

function keyIdOf(token: string): string {
  try {
    return decodeProtectedHeader(token).kid ?? "";
  } catch (err) {
    throw bad("TOKEN_MALFORMED", "the access token is not a JWT", err);
  }
}

async function verifyWith(
  token: string,
  keys: KeySet["resolve"],
  options: AccessTokenVerifierOptions,
): Promise<VerifiedToken> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms,
      typ: "at+jwt",
      issuer: options.issuer,
      audience: options.audience,
      requiredClaims: ["sub", "exp", "iat"],
      clockTolerance: clockToleranceS,
      currentDate: new Date(options.clock.now()),
    });
    return { principal: principalOf(payload), expiresAt: payload.exp as number };
  } catch (err) {
    if (err instanceof errors.JWTExpired) throw bad("TOKEN_EXPIRED", "the access token has expired: refresh it", err);
    throw bad("TOKEN_INVALID", "the access token is not valid", err);
  }
}

/** The subject is "user:ID" (with the session in `sid`) or "service:NAME". */
function principalOf(payload: JWTPayload): Principal {
  const [kind, id] = (payload.sub ?? "").split(":", 2);
  if (kind === "user" && id)
    return { kind: "user", userId: id, sessionId: typeof payload["sid"] === "string" ? payload["sid"] : "" };
  if (kind === "service" && id) return { kind: "service", name: id };
  throw new errors.JWTInvalid("unknown kind of subject");
}

function keysUnavailable(err: unknown): never {
  throw new Fault({
    code: "unavailable",
    reason: "KEYS_UNAVAILABLE",
    message: "access tokens cannot be verified right now, try again shortly",
    retryAfterMs: 1_000,
    cause: err,
  });
}

const bad = (reason: string, message: string, cause?: unknown): Fault =>
  new Fault({ code: "unauthenticated", reason, message, cause });
