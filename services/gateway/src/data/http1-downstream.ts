import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Downstream, DownstreamEvents } from "./downstream.ts";
import { RequestHead } from "./request-head.ts";
import { peerOf } from "./tls-termination.ts";

const owner = Symbol("downstream");
type Owned = ServerResponse & { [owner]?: Http1Downstream };
type OwnedSocket = Duplex & { [owner]?: Http1Downstream | undefined };

/** The request on this connection that is being answered, if any. */
export const answeringOn = (socket: Duplex): Http1Downstream | undefined => (socket as OwnedSocket)[owner];

function onClose(this: Owned): void {
  this[owner]?.closeOnce();
}

function onDrain(this: Owned): void {
  this[owner]?.events?.onDrain();
}

/** Bodies up to this size leave as text together with their head. */
const smallBodyBytesMax = 4096;
/** How long and how much of an unwanted body is read after its answer. */
const lingerMs = 2_000;
const lingerBytesMax = 16 * 1024 * 1024;

/** Trailers that must not be sent: framing and routing (RFC 9110 section 6.5.1). */
const forbiddenTrailers = new Set(["content-length", "transfer-encoding", "host", "trailer", "authorization"]);

export class Http1Downstream implements Downstream {
  readonly version = "1.1";
  readonly body: IncomingMessage;
  readonly head: RequestHead;
  readonly response: ServerResponse;
  readonly isUpgrade: boolean;
  readonly socket: Duplex | undefined;
  events: DownstreamEvents | undefined;
  #closing: () => boolean;
  #drainWatched = false;
  closed = false;

  /** `closing` tells whether answers should announce the end of the connection. */
  constructor(request: IncomingMessage, response: ServerResponse, closing: () => boolean, upgradeSocket?: Duplex) {
    this.body = request;
    this.response = response;
    this.#closing = closing;
    this.head = new RequestHead(request.rawHeaders);
    this.isUpgrade = upgradeSocket !== undefined;
    this.socket = upgradeSocket;
    (response as Owned)[owner] = this;
    (request.socket as OwnedSocket)[owner] = this;
    response.on("close", onClose);
  }

  /** For a request that asks to leave HTTP: a response object on the bare socket, for refusals. */
  static ofUpgrade(request: IncomingMessage, socket: Duplex, closing: () => boolean): Http1Downstream {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as never);
    return new Http1Downstream(request, response, closing, socket);
  }

  get method(): string {
    return this.body.method as string;
  }

  get target(): string {
    return this.body.url as string;
  }

  get hasBody(): boolean {
    return this.head.chunked || this.head.contentLength > 0;
  }

  get secure(): boolean {
    return peerOf(this.body.socket).secure;
  }

  get serverName(): string {
    return peerOf(this.body.socket).serverName;
  }

  get remoteAddress(): string {
    return this.body.socket.remoteAddress ?? "";
  }

  get headersSent(): boolean {
    return this.response.headersSent;
  }

  start(status: number, headers: string[]): void {
    if (this.#closing()) headers.push("connection", "close");
    this.response.writeHead(status, headers);
  }

  write(chunk: Uint8Array): boolean {
    if (this.response.write(chunk)) return true;
    if (!this.#drainWatched) {
      this.#drainWatched = true;
      this.response.on("drain", onDrain);
    }
    return false;
  }

  end(chunk?: Uint8Array, trailers?: readonly string[]): void {
    if (trailers && trailers.length > 0 && this.response.chunkedEncoding) this.#addTrailers(trailers);
    // Head and a small body as one string are one write; as buffers they are two, gathered by the kernel.
    if (chunk !== undefined && chunk.length <= smallBodyBytesMax)
      this.response.end(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("latin1"), "latin1");
    else this.response.end(chunk);
    if (this.isUpgrade) this.socket?.end();
  }

  endAfterBody(chunk?: Uint8Array): void {
    const request = this.body;
    if (!this.hasBody || request.complete || request.destroyed) {
      this.end(chunk);
      return;
    }
    if (chunk) this.response.write(chunk);
    const timer = setTimeout(finish, lingerMs, this);
    let bytes = 0;
    request.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes > lingerBytesMax) finish(this);
    });
    request.once("end", () => finish(this));
    request.once("close", () => finish(this));
    request.resume();
    function finish(downstream: Http1Downstream): void {
      clearTimeout(timer);
      if (!downstream.response.writableEnded) downstream.end();
    }
  }

  #addTrailers(trailers: readonly string[]): void {
    const kept: [string, string][] = [];
    for (let i = 0; i < trailers.length; i += 2) {
      const name = trailers[i] as string;
      if (!forbiddenTrailers.has(name.toLowerCase())) kept.push([name, trailers[i + 1] as string]);
    }
    this.response.addTrailers(kept);
  }

  abort(): void {
    this.body.socket.destroy();
  }

  closeOnce(): void {
    if (this.closed) return;
    this.closed = true;
    const socket = this.body.socket as OwnedSocket;
    if (socket[owner] === this) socket[owner] = undefined;
    this.events?.onClosed(this.response.writableFinished);
  }
}
