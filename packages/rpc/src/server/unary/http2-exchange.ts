import {
  constants,
  type Http2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { type HttpHead, NodeHead } from "../../http-head.ts";
import type { Answer, Exchange, Fields } from "./exchange.ts";

/** What is read of a request after its answer. */
const dropMaxBytes = 1 << 20;

/**
 * Where a stream has its exchange until it closes. Node's handle of a stream outlives it, and V8 moves what hangs on such
 * handles out of the young generation: listeners that held a call themselves would have all of it moved, and collected late.
 */
const exchangeKey = Symbol("exchange");
type Stream = ServerHttp2Stream & { [exchangeKey]?: Http2Exchange | undefined };

export class Http2Exchange implements Exchange {
  readonly head: HttpHead;
  readonly #stream: Stream;
  #isAnswered = false;
  #take: ((piece: Buffer) => boolean) | undefined;
  #end: () => void = ignore;
  #droppedBytes = 0;
  #gone: () => void = ignore;
  #trailers: Fields = [];

  constructor(stream: Stream, headers: IncomingHttpHeaders) {
    this.#stream = stream;
    this.head = new NodeHead(headers);
    stream[exchangeKey] = this;
    // What goes wrong with the stream is told by its close.
    stream.on("error", ignore);
    stream.on("close", onClose);
  }

  get remoteAddress(): string {
    return addressOf(this.#stream.session);
  }

  read(take: (piece: Buffer) => boolean, end: () => void): void {
    this.#take = take;
    this.#end = end;
    this.#stream.on("data", onData);
    this.#stream.on("end", onEnd);
  }

  drop(): void {
    this.#stream.on("data", onData);
  }

  taken(piece: Buffer): void {
    if (this.#take !== undefined) {
      if (!this.#take(piece)) this.#take = undefined;
      return;
    }
    // The caller need not send what nobody waits for (RFC 9113 section 8.1). Said at once, the answer would be lost.
    this.#droppedBytes += piece.length;
    if (this.#droppedBytes > dropMaxBytes) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  ended(): void {
    if (this.#take !== undefined) this.#end();
  }

  onGone(listener: () => void): void {
    this.#gone = listener;
  }

  closed(): void {
    this.#stream[exchangeKey] = undefined;
    if (!this.#isAnswered) this.#gone();
  }

  send({ status, headers, body, trailers }: Answer): void {
    const stream = this.#stream;
    if (this.#isAnswered || stream.destroyed || stream.closed) return;
    this.#isAnswered = true;
    const fields = [":status", String(status), ...headers];
    if (body === undefined && trailers === undefined) {
      stream.respond(fields, { endStream: true });
      return;
    }
    if (trailers === undefined) stream.respond(fields);
    else {
      this.#trailers = trailers;
      stream.respond(fields, { waitForTrailers: true });
      stream.on("wantTrailers", onWantTrailers);
    }
    stream.end(body);
  }

  /** Fields that HTTP/2 does not allow show only now, where nobody is left to tell but the caller. */
  sendTrailers(): void {
    try {
      this.#stream.sendTrailers(objectOf(this.#trailers));
    } catch {
      this.destroy();
    }
  }

  destroy(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}

/** Trailers Node takes as an object only. */
function objectOf(fields: Fields): OutgoingHttpHeaders {
  const object: OutgoingHttpHeaders = {};
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string;
    const known = object[name] as string | string[] | undefined;
    const value = fields[at + 1] as string;
    object[name] = known === undefined ? value : [known, value].flat();
  }
  return object;
}

function onData(this: Stream, piece: Buffer): void {
  this[exchangeKey]?.taken(piece);
}

function onEnd(this: Stream): void {
  this[exchangeKey]?.ended();
}

function onWantTrailers(this: Stream): void {
  this[exchangeKey]?.sendTrailers();
}

function onClose(this: Stream): void {
  this[exchangeKey]?.closed();
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
