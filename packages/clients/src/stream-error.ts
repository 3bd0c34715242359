import { constants } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";

/** gRPC's codes for the codes of HTTP/2 (grpc/doc/PROTOCOL-HTTP2.md, "Errors"); all others are internal. */
const codes = new Map<number, Code>([
  [constants.NGHTTP2_REFUSED_STREAM, Code.Unavailable],
  [constants.NGHTTP2_CANCEL, Code.Canceled],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, Code.ResourceExhausted],
  [constants.NGHTTP2_INADEQUATE_SECURITY, Code.PermissionDenied],
]);

/** A stream that ended without an answer, with what Node says of it as the cause. */
export function streamError(resetCode: number | undefined, cause: unknown): ConnectError {
  const code = codes.get(resetCode ?? constants.NGHTTP2_NO_ERROR) ?? Code.Internal;
  const message =
    resetCode === undefined ? "the stream could not be opened" : `the stream was reset with code ${resetCode}`;
  return new ConnectError(message, code, undefined, undefined, cause);
}

/** The connection ended under a call: over HTTP/2 Node tells that no different from a stream that the peer cancelled. */
export function connectionLost(
  cause: unknown = Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" }),
): ConnectError {
  return new ConnectError("the connection was lost", Code.Unavailable, undefined, undefined, cause);
}

/** The peer did nothing with the stream, because it refused it or goes away: it may be opened elsewhere. */
export function goingAway(broken: unknown): ConnectError {
  const cause = Object.assign(new Error("the call was not processed", { cause: broken }), {
    code: "ERR_HTTP2_GOAWAY_SESSION",
  });
  return new ConnectError("the instance took no more calls", Code.Unavailable, undefined, undefined, cause);
}
