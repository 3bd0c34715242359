import type { Clock, Random } from "@plinth/kernel";
import { SignJWT } from "jose";
import type { KeyRing } from "./key-ring.ts";

export interface TokenIssuer {
  /** Access token of RFC 9068; `subject` is "user:ID" or "service:NAME". */
  accessToken(
    subject: string,
    claims: { sid?: string; client_id: string },
  ): Promise<{ token: string; expiresInS: number }>;
}

export interface TokenIssuerOptions {
  keys: KeyRing;
  clock: Clock;
  random: Random;
  issuer: string;
  audience: string;
  lifetimeMs: number;
}

export function createTokenIssuer({
  keys,
  clock,
  random,
  issuer,
  audience,
  lifetimeMs,
}: TokenIssuerOptions): TokenIssuer {
  return {
    async accessToken(subject, claims) {
      const { kid, key } = await keys.active();
      const nowS = Math.floor(clock.now() / 1000);
      const expiresInS = Math.floor(lifetimeMs / 1000);
      const token = await new SignJWT({ ...claims })
        .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(subject)
        .setIssuedAt(nowS)
        .setExpirationTime(nowS + expiresInS)
        .setJti(random.uuidv7(clock.now()))
        .sign(key);
      return { token, expiresInS };
    },
  };
}
