import { type AccessTokenVerifier, TokenRejected, type VerifiedToken } from "../auth/access-token-verifier.ts";
import type { Exchange } from "./exchange.ts";
import { type Refusal, refusals } from "./refusals.ts";
import type { Route } from "./route-table.ts";

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
    const known = verifier.cached(token);
    if (known !== undefined) return accept(exchange, known);
  } catch (err) {
    return rejection(err);
  }
  return verifier.verify(token).then((verified) => accept(exchange, verified), rejection);
}

function accept(exchange: Exchange, verified: VerifiedToken): undefined {
  exchange.caller = { kind: "token", subject: verified.subject };
}

function rejection(err: unknown): Refusal {
  if (!(err instanceof TokenRejected)) throw err;
  if (err.problem === "expired") return refusals.tokenExpired;
  return err.problem === "invalid" ? refusals.tokenInvalid : refusals.keysUnavailable;
}
