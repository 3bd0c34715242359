import {
  constants,
  type Http2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { type HttpHead, NodeHead } from "../../http-head.ts";
import type { Answer, Exchange } from "./exchange.ts";

/** What is read of a request after its answer. */
const dropMaxBytes = 1 << 20;

export class Http2Exchange implements Exchange {
  readonly head: HttpHead;
  readonly #stream: ServerHttp2Stream;
  #isAnswered = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#stream = stream;
    this.head = new NodeHead(headers);
    // What goes wrong with the stream is told by its close.
    stream.on("error", ignore);
  }

  get remoteAddress(): string {
    return addressOf(this.#stream.session);
  }

  read(take: (piece: Buffer) => boolean, end: () => void): void {
    let wanted = true;
    let droppedBytes = 0;
    this.#stream.on("data", (piece: Buffer) => {
      if (wanted) wanted = take(piece);
      else {
        // The caller need not send what nobody waits for (RFC 9113 section 8.1). Said at once, the answer would be lost.
        droppedBytes += piece.length;
        if (droppedBytes > dropMaxBytes) this.#stream.close(constants.NGHTTP2_NO_ERROR);
      }
    });
    this.#stream.on("end", () => {
      if (wanted) end();
    });
  }

  drop(): void {
    this.read(() => false, ignore);
  }

  onGone(listener: () => void): void {
    this.#stream.on("close", () => {
      if (!this.#isAnswered) listener();
    });
  }

  send({ status, headers, body, trailers }: Answer): void {
    const stream = this.#stream;
    if (this.#isAnswered || stream.destroyed || stream.closed) return;
    this.#isAnswered = true;
    headers[":status"] = status;
    if (body === undefined && trailers === undefined) {
      stream.respond(headers, { endStream: true });
      return;
    }
    if (trailers === undefined) stream.respond(headers);
    else {
      stream.respond(headers, { waitForTrailers: true });
      stream.on("wantTrailers", () => this.#sendTrailers(trailers));
    }
    stream.end(body);
  }

  /** Fields that HTTP/2 does not allow show only now, where nobody is left to tell but the caller. */
  #sendTrailers(trailers: OutgoingHttpHeaders): void {
    try {
      this.#stream.sendTrailers(trailers);
    } catch {
      this.destroy();
    }
  }

  destroy(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}

const addresses = new WeakMap<Http2Session, string>();

/** A session's socket is a proxy: asking it costs more than remembering. */
function addressOf(session: Http2Session | undefined): string {
  if (session === undefined) return "";
  let address = addresses.get(session);
  if (address === undefined) {
    address = session.socket.remoteAddress ?? "";
    addresses.set(session, address);
  }
  return address;
}

function ignore(): void {}
