import { type Agent, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions, request } from "node:http";
import { create, type DescFile, type DescMethod, type Registry } from "@bufbuild/protobuf";
import { appendHeaders, Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createMethodSerializationLookup, createMethodUrl } from "@connectrpc/connect/protocol";
import {
  errorFromJsonBytes,
  trailerDemux,
  validateResponseWithCompression,
} from "@connectrpc/connect/protocol-connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { hostPort } from "@plinth/kernel";
import { NodeHead, Pieces } from "@plinth/rpc";
import { bounded, type CallBounds } from "./call-bounds.ts";
import { madeOnce } from "./made-once.ts";
import { connectionLost } from "./stream-error.ts";

export interface JsonUnaryOptions {
  host: string;
  port: number;
  agent: Agent;
  /** Of the types that a google.protobuf.Any may hold. */
  registryOf: (file: DescFile) => Registry;
  readMaxBytes: number;
  writeMaxBytes: number;
}

type Unary = Transport["unary"];
type Verdict = ReturnType<typeof validateResponseWithCompression>;

/** The head of an answer; Node's own default is 16 KiB. */
const headBytesMax = 64 << 10;

const compressions = [compressionGzip, compressionBrotli];
const plain: Verdict = { compression: undefined, isUnaryError: false };

/** An answer whose body has come. */
interface Answer {
  headers: IncomingHttpHeaders;
  verdict: Verdict;
  body: Buffer;
}

/**
 * Unary calls by the Connect protocol, JSON over HTTP/1.1, each a request of Node with its body in one piece. What is made and
 * checked is what connect-node makes and checks; where an answer is anything but a plain success, its own functions judge it.
 */
export function createJsonUnary({ host, port, agent, registryOf, ...limits }: JsonUnaryOptions): Unary {
  const known = madeOnce((method: DescMethod) => ({
    path: createMethodUrl("/", method),
    formats: createMethodSerializationLookup(method, undefined, { registry: registryOf(method.parent.file) }, limits),
  }));
  const target = { host, port, agent, method: "POST", maxHeaderSize: headBytesMax };
  const ownFields = [
    ...["host", hostPort(host, port)],
    ...["content-type", "application/json"],
    ...["connect-protocol-version", "1"],
    ...["accept-encoding", compressions.map(({ name }) => name).join(",")],
  ];

  return async (method, signal, timeoutMs, header, input) => {
    const { path, formats } = known(method);
    const message = formats.getI(false).serialize(create(method.input, input));
    if (signal?.aborted) throw ConnectError.from(signal.reason, Code.Canceled);
    const headers = [...ownFields, "content-length", String(message.byteLength)];
    if (timeoutMs !== undefined && timeoutMs > 0) headers.push("connect-timeout-ms", timeout(timeoutMs));
    addFields(headers, header);
    const { readMaxBytes } = limits;
    const answer = await exchange({ ...target, path, headers }, message, { signal, timeoutMs, readMaxBytes });
    const bytes = await messageIn(answer, readMaxBytes);
    return {
      stream: false,
      service: method.parent,
      method,
      message: formats.getO(false).parse(bytes) as never,
      get header() {
        return trailerDemux(headersOf(answer.headers))[0];
      },
      get trailer() {
        return trailerDemux(headersOf(answer.headers))[1];
      },
    };
  };
}

/** At most ten digits, says the protocol. */
const timeout = (ms: number): string => String(Math.min(Math.ceil(ms), 9_999_999_999));

/** Of the protocol, and of a request with a body of known length. */
const reserved = new Set([
  ...["host", "connection", "transfer-encoding", "content-length", "content-type", "content-encoding"],
  ...["accept-encoding", "connect-protocol-version", "connect-timeout-ms"],
]);

/** Appends what the caller gives. */
function addFields(headers: string[], given: ConstructorParameters<typeof Headers>[0]): void {
  let hasAgent = false;
  const add = (name: string, value: string): void => {
    if (reserved.has(name)) return;
    hasAgent ||= name === "user-agent";
    headers.push(name, value);
  };
  if (given instanceof Headers || Array.isArray(given))
    for (const [name, value] of new Headers(given)) add(name, value);
  else for (const name in given) add(name.toLowerCase(), (given as Record<string, string>)[name] as string);
  if (!hasAgent) headers.push("user-agent", "plinth-clients");
}

/** Sends a request and waits for the end of its answer. Rejects when the connection breaks, at the deadline and on abort. */
function exchange(
  options: RequestOptions,
  message: Uint8Array,
  { readMaxBytes, ...bounds }: CallBounds & { readMaxBytes: number },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(options);
    let answer: IncomingMessage | undefined;
    let broken: unknown;

    const release = bounded(bounds, giveUp);
    function giveUp(error: unknown): void {
      release();
      reject(error);
      sent.destroy();
    }

    sent.on("response", (response) => {
      answer = response;
      let verdict: Verdict;
      try {
        verdict = judged(response, readMaxBytes);
      } catch (err) {
        giveUp(err);
        return;
      }
      const pieces = new Pieces();
      response.on("data", (piece: Buffer) => {
        pieces.add(piece);
        if (pieces.length > readMaxBytes) giveUp(tooLarge("message size", readMaxBytes));
      });
      response.on("end", () => {
        release();
        resolve({ headers: response.headers, verdict, body: pieces.joined() });
      });
    });
    sent.on("error", (err) => {
      broken = err;
    });
    sent.on("close", () => {
      // What is left of the answer is on its way to "end".
      if (answer?.complete) return;
      release();
      reject(brokenOff(broken));
    });
    sent.end(message);
  });
}

/** Throws what a head says already: an answer of somebody else, an unknown compression, a message that is too large. */
function judged({ statusCode = 0, headers }: IncomingMessage, readMaxBytes: number): Verdict {
  const isPlain =
    statusCode === 200 && headers["content-type"] === "application/json" && headers["content-encoding"] === undefined;
  // By the rules of the library where it is anything else.
  const verdict = isPlain
    ? plain
    : validateResponseWithCompression("unary", compressions, false, statusCode, headersOf(headers));
  const length = Number(headers["content-length"]);
  if (length > readMaxBytes) throw tooLarge(`message size ${length}`, readMaxBytes);
  return verdict;
}

/** The message of a successful answer. Throws the error that the answer is. */
async function messageIn({ headers, verdict, body }: Answer, readMaxBytes: number): Promise<Uint8Array> {
  const { compression, isUnaryError, unaryError } = verdict;
  const bytes = compression === undefined ? body : await compression.decompress(new Uint8Array(body), readMaxBytes);
  if (!isUnaryError) return bytes;
  const [header, trailer] = trailerDemux(headersOf(headers));
  throw errorFromJsonBytes(bytes, appendHeaders(header, trailer), unaryError);
}

const tooLarge = (what: string, readMaxBytes: number): ConnectError =>
  new ConnectError(`${what} is larger than configured readMaxBytes ${readMaxBytes}`, Code.ResourceExhausted);

/** A request that ended without an answer: by what Node's parser says when that was no HTTP, or with its connection. */
const brokenOff = (cause: unknown): ConnectError =>
  /^HPE_/.test((cause as { code?: string } | undefined)?.code ?? "")
    ? ConnectError.from(cause, Code.Internal)
    : connectionLost(cause);

const headersOf = (fields: IncomingHttpHeaders): Headers => new NodeHead(fields).toHeaders();
