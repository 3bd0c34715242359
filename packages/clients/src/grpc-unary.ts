import { type ClientHttp2Stream, constants, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2";
import { create, type DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createMethodSerializationLookup, createMethodUrl } from "@connectrpc/connect/protocol";
import { validateResponseWithCompression, validateTrailer } from "@connectrpc/connect/protocol-grpc";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { Clock } from "@plinth/kernel";
import { compressedFlag, enveloped, envelopeHead, lengthIn, NodeHead, Pieces } from "@plinth/rpc";
import { bounded, type CallBounds } from "./call-bounds.ts";
import type { Http2Sessions, PooledSession } from "./http2-sessions.ts";
import { madeOnce } from "./made-once.ts";
import { wasNotProcessed } from "./open-http2-session.ts";
import { connectionLost, goingAway, streamError } from "./stream-error.ts";
import { placeOn } from "./streams-on.ts";

export interface GrpcUnaryOptions {
  sessions: Http2Sessions;
  clock: Clock;
  readMaxBytes: number;
  writeMaxBytes: number;
}

type Unary = Transport["unary"];

const compressions = [compressionGzip, compressionBrotli];
const knownEncodings = new Set<unknown>([undefined, "identity", ...compressions.map(({ name }) => name)]);
const acceptEncoding = compressions.map(({ name }) => name).join(",");

type Head = IncomingHttpHeaders & IncomingHttpStatusHeader;

/** What came back so far. */
interface Received {
  head: Head | undefined;
  trailers: IncomingHttpHeaders | undefined;
  body: Pieces;
}

/**
 * Unary gRPC calls on a bare HTTP/2 stream, without the layers that streams need. What is made and checked is what
 * connect-node makes and checks; where an answer is anything but a plain success, its own functions judge it.
 */
export function createGrpcUnary({ sessions, clock, ...limits }: GrpcUnaryOptions): Unary {
  const known = madeOnce((method: DescMethod) => ({
    path: createMethodUrl("/", method),
    formats: createMethodSerializationLookup(method, undefined, undefined, limits),
  }));

  return async (method, signal, timeoutMs, header, input) => {
    const { path, formats } = known(method);
    const message = enveloped(0, formats.getI(true).serialize(create(method.input, input)));
    if (signal?.aborted) throw ConnectError.from(signal.reason, Code.Canceled);
    let leftMs = timeoutMs;
    let pooled = sessions.take();
    if (pooled === undefined) {
      const sinceMs = clock.monotonicMs();
      pooled = await placeWithin(sessions, signal, timeoutMs);
      if (timeoutMs !== undefined && timeoutMs > 0)
        leftMs = Math.max(1, Math.floor(timeoutMs - (clock.monotonicMs() - sinceMs)));
    }
    const received = await exchange(sessions, pooled, requestHeaders(path, leftMs, header), message, {
      signal,
      timeoutMs: leftMs,
      readMaxBytes: limits.readMaxBytes,
    });
    const bytes = await messageIn(received, limits.readMaxBytes);
    return {
      stream: false,
      service: method.parent,
      method,
      message: formats.getO(true).parse(bytes) as never,
      get header() {
        return headersOf(received.head);
      },
      get trailer() {
        return headersOf(received.trailers);
      },
    };
  };
}

/** All connections are full: one is waited for as long as the call has. */
async function placeWithin(sessions: Http2Sessions, signal: AbortSignal | undefined, timeoutMs: number | undefined) {
  const late = timeoutMs === undefined || timeoutMs <= 0 ? undefined : AbortSignal.timeout(timeoutMs);
  try {
    return await placeOn(sessions, AbortSignal.any([signal, late].filter((each) => each !== undefined)));
  } catch (err) {
    if (signal?.aborted) throw ConnectError.from(signal.reason, Code.Canceled);
    if (late?.aborted) throw new ConnectError("no connection had room for the call in time", Code.DeadlineExceeded);
    throw err;
  }
}

function requestHeaders(
  path: string,
  timeoutMs: number | undefined,
  header: ConstructorParameters<typeof Headers>[0],
): Record<string, string> {
  const fields: Record<string, string> = {
    ":method": "POST",
    ":path": path,
    te: "trailers",
    "content-type": "application/grpc+proto",
    "user-agent": "plinth-clients",
    "grpc-accept-encoding": acceptEncoding,
  };
  if (timeoutMs !== undefined && timeoutMs > 0) fields["grpc-timeout"] = timeout(timeoutMs);
  if (header instanceof Headers || Array.isArray(header))
    for (const [name, value] of new Headers(header)) fields[name] = value;
  else for (const name in header) fields[name.toLowerCase()] = (header as Record<string, string>)[name] as string;
  return fields;
}

/** At most eight digits, says the protocol: seconds where milliseconds have more. */
const timeout = (ms: number): string =>
  ms < 1e8 ? `${Math.ceil(ms)}m` : `${Math.floor(Math.min(ms / 1000, 99_999_999))}S`;

/** Sends a request and waits for the end of its answer. Rejects when the stream breaks, at the deadline and on abort. */
function exchange(
  sessions: Http2Sessions,
  pooled: PooledSession,
  headers: Record<string, string>,
  message: Buffer,
  { readMaxBytes, ...bounds }: CallBounds & { readMaxBytes: number },
): Promise<Received> {
  const { session } = pooled;
  return new Promise((resolve, reject) => {
    const received: Received = { head: undefined, trailers: undefined, body: new Pieces() };
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(headers);
    } catch (err) {
      sessions.release(pooled);
      reject(streamError(undefined, err));
      return;
    }
    let isEnded = false;
    let broken: unknown;

    const release = bounded(bounds, giveUp);
    function giveUp(error: ConnectError): void {
      release();
      reject(error);
      stream.close(constants.NGHTTP2_CANCEL);
    }
    function finish(): void {
      if (!isEnded || received.trailers === undefined) return;
      release();
      resolve(received);
    }

    stream.on("response", (head) => {
      received.head = head;
    });
    let length: number | undefined;
    stream.on("data", (piece: Buffer) => {
      const { head, body } = received;
      // What somebody else answers in place of the service is not read.
      if (!isGrpc(head)) return;
      body.add(piece);
      if (length === undefined && body.length >= envelopeHead) length = lengthIn(body.joined());
      if (length === undefined) return;
      if (length > readMaxBytes)
        giveUp(new ConnectError(`message size ${length} is larger than ${readMaxBytes}`, Code.ResourceExhausted));
      else if (body.length > envelopeHead + length)
        giveUp(new ConnectError("protocol error: received extra output message", Code.Unimplemented));
    });
    stream.on("trailers", (trailers) => {
      received.trailers = trailers;
      finish();
    });
    stream.on("end", () => {
      isEnded = true;
      finish();
    });
    stream.on("error", (err) => {
      broken = err;
    });
    stream.on("close", () => {
      release();
      sessions.release(pooled);
      // An answer of a head alone ends without trailers.
      const isAnswered =
        broken === undefined && received.head !== undefined && stream.rstCode === constants.NGHTTP2_NO_ERROR;
      if (isAnswered) resolve(received);
      else if (received.head === undefined && wasNotProcessed(session, stream)) reject(goingAway(broken));
      else reject(session.destroyed && broken === undefined ? connectionLost() : streamError(stream.rstCode, broken));
    });
    stream.end(message);
  });
}

/** The message of a successful answer. Throws what the answer says, or what is wrong with it. */
async function messageIn({ head, trailers, body: pieces }: Received, readMaxBytes: number): Promise<Uint8Array> {
  const body = pieces.joined();
  const isPlain =
    isGrpc(head) &&
    knownEncodings.has(head["grpc-encoding"]) &&
    head["grpc-status"] === undefined &&
    trailers?.["grpc-status"] === "0" &&
    trailers["grpc-status-details-bin"] === undefined &&
    body.length >= envelopeHead &&
    body[0] === 0 &&
    body.length === envelopeHead + lengthIn(body);
  if (isPlain) return body.subarray(envelopeHead);

  // By the rules of the library from here on.
  const [header, trailer] = [headersOf(head), headersOf(trailers)];
  const { compression, headerError } = validateResponseWithCompression(compressions, head?.[":status"] ?? 0, header);
  if (body.length > 0 && (body.length < envelopeHead || body.length < envelopeHead + lengthIn(body)))
    throw new ConnectError("protocol error: incomplete envelope", Code.Internal);
  validateTrailer(trailer, header);
  if (body.length === 0) {
    if (headerError) throw headerError;
    const code = trailer.has("grpc-status") ? Code.Unimplemented : Code.Unknown;
    throw new ConnectError("protocol error: missing output message for unary method", code);
  }
  if (headerError)
    throw new ConnectError("protocol error: received output message for unary method with error status", Code.Unknown);
  const bytes = new Uint8Array(body.subarray(envelopeHead));
  if (((body[0] as number) & compressedFlag) === 0) return bytes;
  if (compression === undefined)
    throw new ConnectError("received compressed envelope, but do not know how to decompress", Code.Internal);
  return compression.decompress(bytes, readMaxBytes);
}

const isGrpc = (head: Head | undefined): head is Head =>
  head?.[":status"] === 200 && /^application\/grpc(\+proto)?$/.test(head["content-type"] ?? "");

const headersOf = (fields: IncomingHttpHeaders | undefined): Headers => new NodeHead(fields ?? {}).toHeaders();
