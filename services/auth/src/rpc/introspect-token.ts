import { type Clock, isFault } from "@plinth/kernel";
import type { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import { type AccessTokenVerifier, actorOf, type Handler } from "@plinth/rpc";
import { decodeJwt } from "jose";
import { isAlive } from "../domain/session.ts";
import type { SessionStore } from "../store/session-store.ts";
import { passwordClient } from "./token-set.ts";

export interface IntrospectDeps {
  sessions: SessionStore;
  verifier: AccessTokenVerifier;
  clock: Clock;
  issuer: string;
  audience: string;
}

/** A token of an ended session is inactive at once, whatever its own expiry says. */
export function introspectToken({
  sessions,
  verifier,
  clock,
  issuer,
  audience,
}: IntrospectDeps): Handler<typeof AuthService.method.introspectToken> {
  const seconds = (date: Date): bigint => BigInt(Math.floor(date.getTime() / 1000));

  async function accessToken(token: string) {
    const { principal } = await verifier.verify(token);
    const { exp = 0, iat = 0, client_id } = decodeJwt<{ client_id?: string }>(token);
    const common = {
      active: true,
      sub: actorOf(principal),
      exp: BigInt(exp),
      iat: BigInt(iat),
      iss: issuer,
      aud: audience,
      clientId: client_id ?? "",
      tokenType: "access_token",
    };
    if (principal.kind !== "user") return common;
    const session = await sessions.get(principal.sessionId);
    return session && isAlive(session, new Date(clock.now())) ? { ...common, sid: session.id } : { active: false };
  }

  async function refreshToken(token: string) {
    const session = await sessions.findByRefreshToken(token);
    if (!session) return { active: false };
    const { id: sid, userId, expireTime, createTime } = session;
    return {
      active: true,
      sub: `user:${userId}`,
      sid,
      exp: seconds(expireTime),
      iat: seconds(createTime),
      iss: issuer,
      clientId: passwordClient,
      tokenType: "refresh_token",
    };
  }

  return async ({ token }) => {
    if (token.startsWith("plinth_rt_")) return refreshToken(token);
    return accessToken(token).catch((err) => {
      if (isFault(err) && err.code === "unauthenticated") return { active: false };
      throw err;
    });
  };
}
