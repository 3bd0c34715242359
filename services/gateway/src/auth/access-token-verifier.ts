import { hash } from "node:crypto";
import type { Clock } from "@plinth/kernel";
import { errors, type JWTPayload, jwtVerify } from "jose";
import type { KeySet } from "./key-set.ts";

export interface VerifiedToken {
  subject: string;
  /** Seconds since 1970. */
  expiresAt: number;
}

export type TokenProblem = "invalid" | "expired" | "keys-unavailable";

export class TokenRejected extends Error {
  readonly problem: TokenProblem;

  constructor(problem: TokenProblem, cause?: unknown) {
    super(`access token rejected: ${problem}`, { cause });
    this.name = "TokenRejected";
    this.problem = problem;
  }
}

export interface AccessTokenVerifierOptions {
  keys: KeySet;
  issuer: string;
  audience: string;
  clock: Clock;
  /** Verified tokens remembered. Default 50,000, about 10 MB. */
  cacheMax?: number;
}

/** Signatures made with anything else are refused before a key is looked up: no "none", no shared secrets. */
const algorithms = ["EdDSA", "Ed25519", "ES256"];
/** Clocks of two machines may differ by this much. */
const leewaySeconds = 30;
/** A larger token was not made by auth. */
const tokenCharsMax = 8192;

/** Checks access tokens (RFC 9068) against auth's keys; a token seen before costs one SHA-256. */
export class AccessTokenVerifier {
  readonly #options: AccessTokenVerifierOptions;
  readonly #cacheMax: number;
  /** SHA-256 of the token -> result, in order of insertion. */
  readonly #cache = new Map<string, VerifiedToken>();
  #generation = 0;

  constructor(options: AccessTokenVerifierOptions) {
    this.#options = options;
    this.#cacheMax = options.cacheMax ?? 50_000;
  }

  /** The answer when it is known already. Throws TokenRejected when a known token has expired meanwhile. */
  cached(token: string): VerifiedToken | undefined {
    this.#dropOnKeyChange();
    const key = hash("sha256", token, "base64");
    const found = this.#cache.get(key);
    if (found === undefined) return undefined;
    if (found.expiresAt + leewaySeconds > this.#options.clock.now() / 1000) return found;
    this.#cache.delete(key);
    throw new TokenRejected("expired");
  }

  async verify(token: string): Promise<VerifiedToken> {
    if (token.length > tokenCharsMax) throw new TokenRejected("invalid");
    const payload = await this.#check(token);
    const { sub, exp } = payload;
    if (typeof sub !== "string" || sub === "" || typeof exp !== "number") throw new TokenRejected("invalid");
    const verified = { subject: sub, expiresAt: exp };
    if (this.#cache.size >= this.#cacheMax) {
      const oldest = this.#cache.keys().next();
      if (!oldest.done) this.#cache.delete(oldest.value);
    }
    this.#cache.set(hash("sha256", token, "base64"), verified);
    return verified;
  }

  async #check(token: string): Promise<JWTPayload> {
    const { keys, issuer, audience, clock } = this.#options;
    try {
      const { payload } = await jwtVerify(token, keys.resolve, {
        algorithms,
        issuer,
        audience,
        typ: "at+jwt",
        clockTolerance: leewaySeconds,
        currentDate: new Date(clock.now()),
        requiredClaims: ["sub", "exp", "iat"],
      });
      return payload;
    } catch (err) {
      if (err instanceof TokenRejected) throw err;
      if (err instanceof errors.JWTExpired) throw new TokenRejected("expired", err);
      throw new TokenRejected("invalid", err);
    }
  }

  /** A key that was withdrawn takes the tokens made with it along. */
  #dropOnKeyChange(): void {
    if (this.#generation === this.#options.keys.generation) return;
    this.#generation = this.#options.keys.generation;
    this.#cache.clear();
  }
}
