import { Fault } from "@plinth/kernel";
import { anonymous, type Principal } from "../principal.ts";
import type { AccessTokenVerifier } from "./access-token-verifier.ts";
import type { WorkloadTokenVerifier } from "./workload-token-verifier.ts";

export const workloadTokenHeader = "x-plinth-workload-token";

/** The edge passes calls on for others: its token makes nobody a service. */
export const edgeWorkload = "gateway";

/**
 * With it the edge says that a call is its own. No call from outside has it: the gateway takes `x-plinth-*` out of what it
 * passes on.
 */
export const ownCallHeader = "x-plinth-own-call";

export interface Caller {
  principal: Principal;
  workload: string | undefined;
  accessToken: string | undefined;
  /** True when the call came through the gateway, whose forwarding headers can be believed. */
  throughEdge: boolean;
}

export interface Authenticator {
  /** Throws Fault unauthenticated for a bad token; a call without any is anonymous. */
  authenticate(headers: Pick<Headers, "get">): Promise<Caller>;
}

export interface AuthenticatorOptions {
  accessTokens: Pick<AccessTokenVerifier, "verify">;
  /** Absent: workload tokens are refused. */
  workloadTokens: WorkloadTokenVerifier | undefined;
}

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  return {
    async authenticate(headers) {
      const workloadToken = headers.get(workloadTokenHeader);
      const peer = workloadToken === null ? undefined : await verifyWorkload(workloadToken, options.workloadTokens);
      const throughEdge = peer === edgeWorkload && headers.get(ownCallHeader) === null;
      const workload = throughEdge ? undefined : peer;
      const accessToken = bearerToken(headers.get("authorization"));
      if (accessToken !== undefined) {
        const { principal } = await options.accessTokens.verify(accessToken);
        return { principal, workload, accessToken, throughEdge };
      }
      const principal: Principal = workload === undefined ? anonymous : { kind: "service", name: workload };
      return { principal, workload, accessToken: undefined, throughEdge };
    },
  };
}

function verifyWorkload(token: string, verify: WorkloadTokenVerifier | undefined): Promise<string> {
  if (verify) return verify(token);
  throw new Fault({
    code: "unauthenticated",
    reason: "WORKLOAD_TOKEN_INVALID",
    message: "workload tokens are not accepted here",
  });
}

/** The token of `Authorization: Bearer` (RFC 6750 section 2.1); undefined for an absent header. */
export function bearerToken(header: string | null): string | undefined {
  if (header === null) return undefined;
  const match = /^Bearer +([A-Za-z0-9._~+/=-]{1,8192})$/i.exec(header);
  if (match) return match[1];
  throw new Fault({
    code: "unauthenticated",
    reason: "AUTHORIZATION_MALFORMED",
    message: "the Authorization header must be `Bearer` and an access token",
  });
}
