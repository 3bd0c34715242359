import { isFault } from "@plinth/kernel";
import { type AccessTokenVerifier, actorOf, type VerifiedToken } from "@plinth/rpc";
import type { Exchange } from "./exchange.ts";
import { type Refusal, refusals } from "./refusals.ts";
import type { Route } from "./route.ts";

const bearer = /^bearer ([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * Finds out who calls. A refusal, or undefined to go on; a promise only for a token that was not seen before.
 * None: no look at the token. Optional: no token is anonymous, a bad one is refused. Required: a good one only.
 */
export function authenticate(
  exchange: Exchange,
  verifier: AccessTokenVerifier,
): Refusal | undefined | Promise<Refusal | undefined> {
  const mode = (exchange.route as Route).authentication;
  if (mode === "None") return undefined;
  const { authorization, authorizationCount } = exchange.head;
  if (authorizationCount === 0) return mode === "Optional" ? undefined : refusals.tokenMissing;
  const token = authorizationCount === 1 ? bearer.exec(authorization)?.[1] : undefined;
  if (token === undefined) return refusals.tokenMalformed;
  try {
    const known = verifier.recall(token);
    if (known !== undefined) return accept(exchange, known);
  } catch (err) {
    return rejection(err);
  }
  return verifier.verify(token).then((verified) => accept(exchange, verified), rejection);
}

function accept(exchange: Exchange, verified: VerifiedToken): undefined {
  exchange.caller = { kind: "token", subject: actorOf(verified.principal) };
}

function rejection(err: unknown): Refusal {
  if (!isFault(err)) throw err;
  if (err.reason === "TOKEN_EXPIRED") return refusals.tokenExpired;
  return err.code === "unavailable" ? refusals.keysUnavailable : refusals.tokenInvalid;
}
