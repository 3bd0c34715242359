import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { create, type DescMethod, type MessageInitShape, type Registry } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { compressionNegotiate, createMethodSerializationLookup, createMethodUrl } from "@connectrpc/connect/protocol";
import { parseTimeout as parseConnectTimeout } from "@connectrpc/connect/protocol-connect";
import { parseTimeout as parseGrpcTimeout } from "@connectrpc/connect/protocol-grpc";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { Clock, Logger } from "@plinth/kernel";
import { thrownToConnectError } from "../../fault-mapping.ts";
import type { CallContext } from "../../principal.ts";
import { endError, OwnCallEnd } from "../call-end.ts";
import type { CallSteps, ServedRpc } from "../call-steps.ts";
import type { ServerCall } from "../server-call.ts";
import { errorAnswer, type Metadata, messageAnswer, type Output } from "./answers.ts";
import type { Answer, Exchange } from "./exchange.ts";
import { Http1Exchange } from "./http1-exchange.ts";
import { Http2Exchange } from "./http2-exchange.ts";
import { type RawMessage, readBare, readEnveloped } from "./request-body.ts";
import { connectJson, connectProto, type Wire, wireOf } from "./wire.ts";

export interface UnaryServerOptions {
  steps: CallSteps;
  readMaxBytes: number;
  writeMaxBytes: number;
  /** Longer deadlines are refused. */
  maxTimeoutMs: number;
  /** Deadline of calls that bring none. */
  defaultTimeoutMs: number;
  /** Types that google.protobuf.Any may hold in JSON. */
  registry: Registry;
  logger: Logger;
  clock: Clock;
  /** Adds to an error right before it is written down. */
  explainError(error: ConnectError): void;
}

/**
 * Serves unary calls on Node's own requests, in all protocols, without the layers that streams need. Whatever is unusual
 * about a request (streams, unknown content types, RPCs or methods) is left to the library: `false`.
 */
export interface UnaryServer {
  add(method: DescMethod, rpc: ServedRpc, handle: UnaryHandler): void;
  stream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean;
  request(request: IncomingMessage, response: ServerResponse): boolean;
}

export type UnaryHandler = (message: never, call: CallContext) => unknown;

interface UnaryMethod {
  method: DescMethod;
  rpc: ServedRpc;
  handle: UnaryHandler;
  formats: ReturnType<typeof createMethodSerializationLookup>;
}

const compressions = [compressionGzip, compressionBrotli];
type Compression = (typeof compressions)[number];

/** Smaller answers are not worth compressing. */
const compressMinBytes = 1_024;
const noMetadata: Metadata = { header: undefined, trailer: undefined };

export function createUnaryServer(options: UnaryServerOptions): UnaryServer {
  const { steps, readMaxBytes, maxTimeoutMs, defaultTimeoutMs, explainError, logger, clock } = options;
  const methods = new Map<string, UnaryMethod>();

  function serve(exchange: Exchange, served: UnaryMethod, wire: Wire): void {
    const { head } = exchange;
    const encoding = head.get(wire.encodingHeader);
    const run = begin(exchange, served, wire, encoding);
    if (run === undefined) return;
    const compressed = encoding !== null && encoding !== "identity";
    if (wire.protocol === "connect") readBare(exchange, readMaxBytes, compressed, run);
    else readEnveloped(exchange, readMaxBytes, run);
  }

  function serveGet(exchange: Exchange, served: UnaryMethod, wire: Wire, query: URLSearchParams): void {
    const encoding = query.get("compression");
    const run = begin(exchange, served, wire, encoding);
    run?.(messageInQuery(query, readMaxBytes, encoding !== null && encoding !== "identity"));
  }

  /** Checks the head, and returns what the message is given to; undefined when the answer is already sent. */
  function begin(exchange: Exchange, served: UnaryMethod, wire: Wire, encoding: string | null) {
    const { head } = exchange;
    const isConnect = wire.protocol === "connect";
    const timeout = (isConnect ? parseConnectTimeout : parseGrpcTimeout)(head.get(wire.timeoutHeader), maxTimeoutMs);
    const accepted = head.get(wire.acceptEncodingHeader);
    const compression =
      encoding === null && accepted === null
        ? noCompression
        : compressionNegotiate(compressions, encoding, accepted, wire.acceptEncodingHeader);
    const problem =
      compression.error ?? timeout.error ?? (isConnect ? versionProblem(head.get(versionHeader)) : undefined);
    if (problem !== undefined) {
      exchange.drop();
      send(exchange, errorAnswer(wire, explained(problem), noMetadata));
      return undefined;
    }
    const end = new OwnCallEnd(timeout.timeoutMs ?? defaultTimeoutMs, clock);
    exchange.onGone(() => end.end("caller"));
    // Until the message is there nobody else answers at the deadline; afterwards the handler does.
    end.onDeadline(() => send(exchange, errorAnswer(wire, explained(endError(end, undefined)), noMetadata)));
    return (message: RawMessage | ConnectError): void => {
      end.onDeadline(nothing);
      answer(exchange, served, wire, compression, end, message).catch((err) => unwritten(exchange, err));
    };
  }

  async function answer(
    exchange: Exchange,
    { method, rpc, handle, formats }: UnaryMethod,
    wire: Wire,
    compression: { request: Compression | null; response: Compression | null },
    end: OwnCallEnd,
    raw: RawMessage | ConnectError,
  ): Promise<void> {
    let call: ServerCall | undefined;
    try {
      if (!("bytes" in raw)) throw raw;
      const bytes = raw.compressed ? await decompress(raw.bytes, compression.request) : raw.bytes;
      const message = formats.getI(wire.binary).parse(bytes);
      if (end.cause !== undefined) throw endError(end, undefined);
      const running = steps.begin(exchange.head, exchange.remoteAddress, end);
      call = running;
      const output = await steps.run(rpc, call, message, () => handle(message as never, running));
      const written = formats.getO(wire.binary).serialize(create(method.output, output as MessageInitShape<never>));
      const { response } = compression;
      const packed =
        response !== null && written.byteLength >= compressMinBytes
          ? await compress(written, response)
          : { bytes: written, isCompressed: false, encoding: response?.name };
      send(exchange, messageAnswer(wire, packed, call.requestId, call.metadataSet()));
    } catch (thrown) {
      send(exchange, errorAnswer(wire, explained(thrown), call?.metadataSet() ?? noMetadata));
    } finally {
      end.end("finished");
    }
  }

  function send(exchange: Exchange, answer: Answer): void {
    try {
      exchange.send(answer);
    } catch (err) {
      unwritten(exchange, err);
    }
  }

  function unwritten(exchange: Exchange, err: unknown): void {
    logger.error({ err }, "an answer could not be written");
    exchange.destroy();
  }

  async function decompress(bytes: Uint8Array, compression: Compression | null): Promise<Uint8Array> {
    if (compression !== null) return compression.decompress(bytes as Uint8Array<ArrayBuffer>, readMaxBytes);
    throw new ConnectError("received compressed envelope, but do not know how to decompress", Code.Internal);
  }

  function explained(thrown: unknown): ConnectError {
    const error = thrownToConnectError(thrown);
    explainError(error);
    return error;
  }

  const find = (path: string | undefined): UnaryMethod | undefined => methods.get(path ?? "");

  /** GET is for RPCs without side effects; what belongs to none is answered by the library. */
  function get(path: string, exchange: () => Exchange): boolean {
    const [name, queryText] = path.split("?", 2);
    const served = find(name);
    if (served?.method.idempotency !== Idempotency.NO_SIDE_EFFECTS || queryText === undefined) return false;
    const query = new URLSearchParams(queryText);
    const wire = { proto: connectProto, json: connectJson }[query.get("encoding") ?? ""];
    if (wire === undefined) return false;
    serveGet(exchange(), served, wire, query);
    return true;
  }

  return {
    add(method, rpc, handle) {
      const formats = createMethodSerializationLookup(method, undefined, { registry: options.registry }, options);
      methods.set(createMethodUrl("/", method), { method, rpc, handle, formats });
    },
    stream(stream, headers) {
      const path = headers[":path"] as string | undefined;
      if (headers.expect !== undefined || path === undefined) return false;
      if (headers[":method"] === "GET") return get(path, () => new Http2Exchange(stream, headers));
      const served = headers[":method"] === "POST" ? find(path) : undefined;
      const wire = wireOf(headers["content-type"]);
      if (served === undefined || wire === undefined) return false;
      serve(new Http2Exchange(stream, headers), served, wire);
      return true;
    },
    request(request, response) {
      const { method, url = "", headers } = request;
      if (method === "GET") return get(url, () => new Http1Exchange(request, response));
      const served = method === "POST" ? find(url) : undefined;
      const wire = wireOf(headers["content-type"]);
      // gRPC needs trailers, which HTTP/1.1 has only in chunked answers.
      if (served === undefined || wire === undefined || wire.protocol === "grpc") return false;
      serve(new Http1Exchange(request, response), served, wire);
      return true;
    },
  };
}

const noCompression = { request: null, response: null, error: undefined };

const compress = async (bytes: Uint8Array, compression: Compression): Promise<Output> => ({
  bytes: await compression.compress(bytes as Uint8Array<ArrayBuffer>),
  isCompressed: true,
  encoding: compression.name,
});

const versionHeader = "connect-protocol-version";

function versionProblem(version: string | null): ConnectError | undefined {
  if (version === null || version === "1") return undefined;
  return new ConnectError(`${versionHeader} must be "1": got "${version}"`, Code.InvalidArgument);
}

function messageInQuery(query: URLSearchParams, maxBytes: number, compressed: boolean): RawMessage | ConnectError {
  const text = query.get("message") ?? "";
  try {
    const bytes = query.get("base64") === "1" ? base64Decode(text) : new TextEncoder().encode(text);
    if (bytes.byteLength <= maxBytes) return { bytes, compressed };
    return new ConnectError(`message size ${bytes.byteLength} is larger than ${maxBytes}`, Code.ResourceExhausted);
  } catch (err) {
    return new ConnectError("the parameter message is not base64", Code.InvalidArgument, undefined, undefined, err);
  }
}

function nothing(): void {}
