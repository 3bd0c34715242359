import { Code, ConnectError } from "@connectrpc/connect";
import { StreamsFull } from "./http2-sessions.ts";

export const isUnavailable = (error: unknown): boolean =>
  error instanceof ConnectError && error.code === Code.Unavailable;

export const isLate = (error: unknown): boolean =>
  error instanceof ConnectError && error.code === Code.DeadlineExceeded;

/** The instance could not do its work, or did not in time: what an outlier counts. */
export const isInstanceFailure = (error: unknown): boolean =>
  error instanceof ConnectError && [Code.Unavailable, Code.DeadlineExceeded].includes(error.code);

/** The service could not do its work, whoever asked: what a breaker counts. */
export const isServiceFailure = (error: unknown): boolean =>
  error instanceof ConnectError &&
  [Code.Unavailable, Code.DeadlineExceeded, Code.ResourceExhausted].includes(error.code);

const lostCodes = new Set([
  "ECONNRESET",
  "EPIPE",
  "ECONNABORTED",
  "ERR_HTTP2_SESSION_ERROR",
  "ERR_HTTP2_STREAM_CANCEL",
]);

/** A connection that broke under a call, as its caller should see it: unavailable, and nothing about sockets. */
export function lostConnection(error: unknown, service: string): ConnectError | undefined {
  if (!(error instanceof ConnectError) || neverProcessed(error)) return undefined;
  for (let at: unknown = error.cause; at instanceof Error; at = at.cause) {
    if (!lostCodes.has((at as { code?: string }).code ?? "")) continue;
    return unavailable(`the connection to ${service} was lost, try again shortly`, error);
  }
  return undefined;
}

export const unavailable = (message: string, cause: unknown): ConnectError =>
  new ConnectError(message, Code.Unavailable, undefined, undefined, cause);

/** The peer says that it did nothing (RFC 9113 section 8.7), or the connection ended before the request was written. */
export function neverProcessed(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (/NGHTTP2_REFUSED_STREAM/.test(at.message)) return true;
    if (["ERR_HTTP2_GOAWAY_SESSION", "ERR_HTTP2_INVALID_SESSION"].includes((at as { code?: string }).code ?? ""))
      return true;
  }
  return false;
}

/** No place on any connection, and none in the queue for one. */
export function isFull(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof StreamsFull) return true;
  return false;
}

/**
 * What the server says about another attempt (gRPC proposal A6): milliseconds to wait for it, "never", or undefined for
 * nothing. Text that is no number means never, too.
 */
export function pushBack(error: unknown): number | "never" | undefined {
  const text = error instanceof ConnectError ? error.metadata.get("grpc-retry-pushback-ms") : null;
  if (text === null) return undefined;
  return /^\d{1,9}$/.test(text) ? Number(text) : "never";
}
