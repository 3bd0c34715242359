import type { FaultCode } from "@plinth/kernel";

/** An answer that the gateway makes up itself. */
export interface Refusal {
  /** Status for callers that speak plain HTTP or unary Connect. */
  status: number;
  /** Code for callers that speak an RPC protocol. */
  code: FaultCode;
  /** Stable, for programs and the access log. */
  reason: string;
  /** For a person; names nothing internal. */
  message: string;
  retryAfterSeconds?: number;
  /** The connection cannot be trusted to be in step any more. */
  close?: boolean;
}

const refusal = (status: number, code: FaultCode, reason: string, message: string): Refusal => ({
  status,
  code,
  reason,
  message,
});

export const badRequest = (message: string): Refusal => ({
  ...refusal(400, "invalid_argument", "BAD_REQUEST", `the request is malformed: ${message}`),
  close: true,
});

export const refusals = {
  method: refusal(501, "unimplemented", "METHOD_NOT_SUPPORTED", "use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"),
  tooManyHeaders: refusal(431, "invalid_argument", "TOO_MANY_HEADERS", "the request has too many header fields"),
  targetTooLong: refusal(414, "invalid_argument", "TARGET_TOO_LONG", "the path with its query is too long"),
  // What Connect and gRPC take HTTP 404 for, and what their clients expect of a method that is not there.
  noRoute: refusal(404, "unimplemented", "ROUTE_NOT_FOUND", "no service is reachable at this host and path"),
  routeInvalid: refusal(500, "internal", "ROUTE_INVALID", "the route for this path is not configured correctly"),
  misdirected: refusal(421, "failed_precondition", "MISDIRECTED", "this host needs a connection of its own"),
  backendInvalid: refusal(500, "unavailable", "BACKEND_INVALID", "the route for this path leads to no service"),
  websocketOff: refusal(403, "permission_denied", "WEBSOCKET_DISABLED", "this path takes no WebSocket connections"),
  tokenMissing: refusal(401, "unauthenticated", "TOKEN_MISSING", "send an access token as Authorization: Bearer"),
  tokenMalformed: refusal(
    401,
    "unauthenticated",
    "TOKEN_MALFORMED",
    "the Authorization header must be one Bearer access token",
  ),
  tokenInvalid: refusal(401, "unauthenticated", "TOKEN_INVALID", "the access token is not valid here"),
  tokenExpired: refusal(401, "unauthenticated", "TOKEN_EXPIRED", "the access token has expired: refresh it"),
  keysUnavailable: {
    ...refusal(503, "unavailable", "KEYS_UNAVAILABLE", "access tokens cannot be checked now: try again"),
    retryAfterSeconds: 1,
  },
  rateLimited: refusal(429, "resource_exhausted", "RATE_LIMITED", "too many requests: wait as Retry-After says"),
  bodyTooLarge: {
    ...refusal(413, "resource_exhausted", "BODY_TOO_LARGE", "the request body is larger than this path takes"),
    close: true,
  },
  requestIncomplete: {
    ...refusal(400, "invalid_argument", "REQUEST_INCOMPLETE", "the request body ended early"),
    close: true,
  },
  noEndpoint: {
    ...refusal(503, "unavailable", "NO_ENDPOINT", "the service has no ready instance now: try again"),
    retryAfterSeconds: 1,
  },
  connectFailed: {
    ...refusal(503, "unavailable", "UPSTREAM_UNREACHABLE", "the service could not be reached: try again"),
    retryAfterSeconds: 1,
  },
  upstreamFull: {
    ...refusal(503, "resource_exhausted", "UPSTREAM_FULL", "the service takes no more calls at once now: try again"),
    retryAfterSeconds: 1,
  },
  upstreamFailed: refusal(502, "unavailable", "UPSTREAM_FAILED", "the service broke off before it answered"),
  deadline: refusal(504, "deadline_exceeded", "DEADLINE_EXCEEDED", "the service did not answer in time"),
  idle: refusal(504, "deadline_exceeded", "IDLE_TIMEOUT", "nothing was sent or received for too long"),
  internal: refusal(500, "internal", "INTERNAL", "internal error"),
} as const satisfies Record<string, Refusal>;
