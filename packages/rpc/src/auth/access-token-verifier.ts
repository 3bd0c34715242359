import { type Clock, Fault, isFault } from "@plinth/kernel";
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { Principal } from "../principal.ts";
import type { KeySet } from "./key-set.ts";
import { createTokenCache } from "./token-cache.ts";

export interface VerifiedToken {
  principal: Principal;
  /** Seconds since 1970. */
  expiresAt: number;
}

export interface AccessTokenVerifier {
  /** What is known of a token that was verified before; undefined otherwise. Throws as `verify` when it has expired. */
  recall(token: string): VerifiedToken | undefined;
  /** Throws Fault unauthenticated for a token that is not good, unavailable when no key could be had. */
  verify(token: string): Promise<VerifiedToken>;
}

export interface AccessTokenVerifierOptions {
  keys: KeySet;
  issuer: string;
  audience: string;
  clock: Clock;
  /** Verified tokens remembered. Default 10,000, about 2 MB. */
  cacheMax?: number;
}

/** Signatures made with anything else are refused before a key is looked up: no "none", no shared secrets. */
const algorithms = ["EdDSA", "Ed25519", "ES256"];
/** Clocks of two machines may differ by this much. */
const clockToleranceS = 5;

/** Verifies access tokens of RFC 9068: fixed algorithms, type at+jwt, issuer, audience and expiry (RFC 8725). */
export function createAccessTokenVerifier(options: AccessTokenVerifierOptions): AccessTokenVerifier {
  const { keys, clock, cacheMax = 10_000 } = options;
  const cache = createTokenCache<VerifiedToken>(keys, cacheMax);

  function recall(token: string): VerifiedToken | undefined {
    const known = cache.get(token);
    if (!known || known.expiresAt + clockToleranceS > clock.now() / 1000) return known;
    cache.delete(token);
    throw expired();
  }

  return {
    recall,
    async verify(token) {
      const known = recall(token);
      if (known) return known;
      requireJwt(token);
      const verified = await verifyWith(token, options);
      cache.set(token, verified);
      return verified;
    },
  };
}

function requireJwt(token: string): void {
  try {
    decodeProtectedHeader(token);
  } catch (err) {
    throw bad("TOKEN_MALFORMED", "the access token is not a JWT", err);
  }
}

async function verifyWith(
  token: string,
  { keys, issuer, audience, clock }: AccessTokenVerifierOptions,
): Promise<VerifiedToken> {
  try {
    const { payload } = await jwtVerify(token, keys.resolve, {
      algorithms,
      typ: "at+jwt",
      issuer,
      audience,
      requiredClaims: ["sub", "exp", "iat"],
      clockTolerance: clockToleranceS,
      currentDate: new Date(clock.now()),
    });
    return { principal: principalOf(payload), expiresAt: payload.exp as number };
  } catch (err) {
    if (isFault(err)) throw err;
    if (err instanceof errors.JWTExpired) throw expired(err);
    throw bad("TOKEN_INVALID", "the access token is not valid", err);
  }
}

/** The subject is "user:ID" (with the session in `sid`) or "service:NAME". */
function principalOf(payload: JWTPayload): Principal {
  const [kind, id, more] = (payload.sub ?? "").split(":", 3);
  if (more !== undefined) throw new errors.JWTInvalid("the subject has too many parts");
  if (kind === "user" && id)
    return { kind: "user", userId: id, sessionId: typeof payload["sid"] === "string" ? payload["sid"] : "" };
  if (kind === "service" && id) return { kind: "service", name: id };
  throw new errors.JWTInvalid("unknown kind of subject");
}

const expired = (cause?: unknown): Fault => bad("TOKEN_EXPIRED", "the access token has expired: refresh it", cause);
const bad = (reason: string, message: string, cause?: unknown): Fault =>
  new Fault({ code: "unauthenticated", reason, message, cause });
