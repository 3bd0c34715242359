import { addCorsHeaders } from "./cors.ts";
import { errorForms } from "./error-forms.ts";
import type { Exchange } from "./exchange.ts";
import { addRateLimitHeaders } from "./rate-limit-headers.ts";
import type { Refusal } from "./refusals.ts";
import type { CorsPolicy } from "./route.ts";

/**
 * The only maker of answers that no service gave, each in the caller's own protocol. After the head went out the
 * answer can only be cut off.
 */
export function refuse(exchange: Exchange, refusal: Refusal): void {
  const { downstream } = exchange;
  if (exchange.ended || downstream.closed) return;
  if (exchange.reason === "") exchange.reason = refusal.reason;
  if (downstream.headersSent) {
    downstream.abort();
    return;
  }
  const headers = sharedHeaders(exchange, refusal);
  switch (exchange.kind) {
    case "grpc":
      refuseGrpc(exchange, refusal, headers);
      break;
    case "grpc-web":
    case "grpc-web-text":
      refuseGrpcWeb(exchange, refusal, headers);
      break;
    case "connect-stream":
      refuseConnectStream(exchange, refusal, headers);
      break;
    default:
      refuseJson(exchange, refusal, headers);
      break;
  }
}

function sharedHeaders(exchange: Exchange, refusal: Refusal): string[] {
  const headers: string[] = [];
  if (exchange.requestId !== "") headers.push("x-request-id", exchange.requestId);
  if (refusal.status === 401) headers.push("www-authenticate", 'Bearer realm="plinth"');
  if (refusal.retryAfterSeconds !== undefined) headers.push("retry-after", String(refusal.retryAfterSeconds));
  addRateLimitHeaders(exchange, headers);
  addCorsHeaders(exchange, headers);
  if (exchange.downstream.version === "1.1" && (refusal.close || hasLongBody(exchange)))
    headers.push("connection", "close");
  return headers;
}

/** Too much to read on just to keep a connection. */
function hasLongBody(exchange: Exchange): boolean {
  const { head, downstream } = exchange;
  return downstream.hasBody && !downstream.bodyEnded && (head.chunked || head.contentLength > 65_536);
}

/**
 * Plain HTTP and unary Connect: the status and Connect's error object, with the reason and request id added. A caller that
 * did not say it speaks Connect may speak REST, so it finds the error of AIP-193 in the same object.
 */
function refuseJson(exchange: Exchange, refusal: Refusal, headers: string[]): void {
  const { json, rest } = errorForms(refusal);
  const error = {
    ...json,
    ...(exchange.kind === "http" ? rest : {}),
    reason: refusal.reason,
    ...(exchange.requestId === "" ? {} : { requestId: exchange.requestId }),
  };
  const body = Buffer.from(`${JSON.stringify(error)}\n`);
  headers.push("content-length", String(body.length), "cache-control", "no-store");
  // The answer to HEAD has nothing to be parsed, and may leave its type out (RFC 9110 section 9.3.2).
  if (exchange.method !== "HEAD") headers.push("content-type", "application/json");
  send(exchange, refusal.status, headers, exchange.method === "HEAD" ? undefined : body);
}

/** Connect streams: HTTP 200 and an end-of-stream message (flag 2) that holds the error. */
function refuseConnectStream(exchange: Exchange, refusal: Refusal, headers: string[]): void {
  const json = JSON.stringify({ error: errorForms(refusal).json });
  headers.push("content-type", exchange.head.contentType);
  send(exchange, 200, headers, envelope(2, json));
}

/** gRPC: trailers only, HTTP 200. Clients want to be answered in the type they asked in, its suffix included. */
function refuseGrpc(exchange: Exchange, refusal: Refusal, headers: string[]): void {
  const { grpc, grpcStatus } = errorForms(refusal);
  exchange.grpcStatus = grpcStatus;
  headers.push("content-type", exchange.head.contentType, ...grpc);
  send(exchange, 200, headers, undefined);
}

/** gRPC-web: the trailers are the last message of the body (flag 128). */
function refuseGrpcWeb(exchange: Exchange, refusal: Refusal, headers: string[]): void {
  const { grpc, grpcStatus } = errorForms(refusal);
  exchange.grpcStatus = grpcStatus;
  let lines = "";
  for (let i = 0; i < grpc.length; i += 2) lines += `${grpc[i]}: ${grpc[i + 1]}\r\n`;
  const frame = envelope(128, lines);
  const text = exchange.kind === "grpc-web-text";
  headers.push("content-type", exchange.head.contentType);
  send(exchange, 200, headers, text ? Buffer.from(frame.toString("base64")) : frame);
}

function envelope(flags: number, text: string): Buffer {
  const data = Buffer.from(text);
  const out = Buffer.allocUnsafe(5 + data.length);
  out.writeUInt8(flags, 0);
  out.writeUInt32BE(data.length, 1);
  data.copy(out, 5);
  return out;
}

function send(exchange: Exchange, status: number, headers: string[], body: Buffer | undefined): void {
  exchange.status = status;
  exchange.responseBytes += body?.length ?? 0;
  exchange.downstream.start(status, headers, body === undefined);
  if (body !== undefined || exchange.downstream.version === "1.1") exchange.downstream.endAfterBody(body);
}

/** The answer that sends a caller to another place. */
export function answerRedirect(exchange: Exchange, status: number, location: string): void {
  const headers = ["location", location];
  if (exchange.requestId !== "") headers.push("x-request-id", exchange.requestId);
  addRateLimitHeaders(exchange, headers);
  addCorsHeaders(exchange, headers);
  if (exchange.downstream.version === "1.1") headers.push("content-length", "0");
  exchange.reason = "REDIRECT";
  send(exchange, status, headers, undefined);
}

export interface OwnAnswer {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Buffer | undefined;
  /** Says which pages may read it. */
  cors: CorsPolicy | undefined;
}

/** An answer with something of the gateway's own that belongs to no route. */
export function answerOwn(exchange: Exchange, { status, headers: fields, body, cors }: OwnAnswer): void {
  const headers = Object.entries(fields).flat();
  if (exchange.requestId !== "") headers.push("x-request-id", exchange.requestId);
  addCorsHeaders(exchange, headers, cors);
  exchange.reason = "DOCUMENT";
  send(exchange, status, headers, body);
}

/** The answer to a CORS preflight. */
export function answerPreflight(exchange: Exchange, headers: string[]): void {
  if (exchange.requestId !== "") headers.push("x-request-id", exchange.requestId);
  exchange.reason = "PREFLIGHT";
  send(exchange, 204, headers, undefined);
}
