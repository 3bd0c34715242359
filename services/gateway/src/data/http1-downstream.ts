import type { Socket } from "node:net";
import type { Downstream, DownstreamEvents } from "./downstream.ts";
import type { Framing } from "./http1/answer-head.ts";
import { writeChunk, writePacket } from "./http1/packet.ts";
import type { ServerConnection } from "./http1/server-connection.ts";
import type { BodySink } from "./request-body.ts";
import type { RequestHead } from "./request-head.ts";

/** Trailers that must not be sent: framing and routing (RFC 9110 section 6.5.1). */
const forbiddenTrailers = new Set(["content-length", "transfer-encoding", "host", "trailer", "authorization"]);

export interface Http1Request {
  method: string;
  target: string;
  head: RequestHead;
  hasBody: boolean;
  /** The caller understands chunks: HTTP/1.1. */
  chunks: boolean;
  /** Asks to leave HTTP for WebSocket. */
  upgrade: boolean;
}

function flush(downstream: Http1Downstream): void {
  downstream.flushHead();
}

/** The answer to one request over HTTP/1.1. */
export class Http1Downstream implements Downstream {
  readonly version = "1.1";
  readonly method: string;
  readonly target: string;
  readonly head: RequestHead;
  readonly hasBody: boolean;
  readonly isUpgrade: boolean;
  events: DownstreamEvents | undefined;
  headersSent = false;
  closed = false;
  readonly #connection: ServerConnection;
  readonly #chunks: boolean;
  /** The head, until it has left. */
  #headers: readonly string[] | undefined;
  #status = 0;
  #framing: Framing = "none";
  #close = false;
  #ended = false;

  constructor(connection: ServerConnection, request: Http1Request) {
    this.#connection = connection;
    this.method = request.method;
    this.target = request.target;
    this.head = request.head;
    this.hasBody = request.hasBody;
    this.isUpgrade = request.upgrade;
    this.#chunks = request.chunks;
  }

  get remoteAddress(): string {
    return this.#connection.peer.address;
  }

  get secure(): boolean {
    return this.#connection.peer.secure;
  }

  get serverName(): string {
    return this.#connection.peer.serverName;
  }

  get bodyEnded(): boolean {
    return this.#connection.bodyEnded;
  }

  readBody(sink: BodySink): void {
    this.#connection.readBody(sink);
  }

  pauseBody(): void {
    this.#connection.pauseBody();
  }

  resumeBody(): void {
    this.#connection.resumeBody();
  }

  /** The head waits for the end of this turn, so that it leaves together with a body that is already there. */
  start(status: number, headers: readonly string[]): void {
    this.headersSent = true;
    this.#status = status;
    this.#headers = headers;
    process.nextTick(flush, this);
  }

  flushHead(): void {
    if (this.#headers !== undefined && !this.closed) this.#connection.socket.write(this.#takeHead(-1, false), "latin1");
  }

  #takeHead(bodyBytes: number, trailers: boolean): string {
    const { heads, keepAlive } = this.#connection;
    const head = heads.make({
      status: this.#status,
      headers: this.#headers as readonly string[],
      head: this.method === "HEAD",
      chunks: this.#chunks,
      close: !keepAlive,
      bodyBytes,
      trailers,
    });
    this.#headers = undefined;
    this.#framing = heads.framing;
    this.#close = heads.close;
    return head;
  }

  write(chunk: Uint8Array): boolean {
    if (this.closed || this.#ended) return true;
    const { socket } = this.#connection;
    const head = this.#headers === undefined ? "" : this.#takeHead(-1, false);
    if (this.#framing === "none" || chunk.length === 0) return head === "" || socket.write(head, "latin1");
    return this.#framing === "chunked" ? writeChunk(socket, head, chunk) : writePacket(socket, head, chunk);
  }

  end(chunk?: Uint8Array, trailers: readonly string[] = []): void {
    if (this.closed || this.#ended) return;
    this.#ended = true;
    const { socket } = this.#connection;
    let head = "";
    if (this.#headers !== undefined) head = this.#takeHead(chunk?.length ?? 0, trailers.length > 0);
    const body = this.#framing === "none" ? undefined : chunk;
    if (this.#framing === "chunked") {
      if (body !== undefined && body.length > 0) writeChunk(socket, head, body);
      else if (head !== "") socket.write(head, "latin1");
      socket.write(lastChunk(trailers), "latin1");
    } else if (head !== "" || body !== undefined) writePacket(socket, head, body);
    if (!socket.writableNeedDrain) this.#finish(true);
    this.#connection.answered(!this.#close);
  }

  /** What still comes in is read and dropped before the connection closes, by the connection. */
  endAfterBody(chunk?: Uint8Array): void {
    this.end(chunk);
  }

  abort(): void {
    const { socket, peer } = this.#connection;
    // An ordinary end would look like the end of an answer whose length was not told.
    if (this.#framing === "close" && !peer.secure) socket.resetAndDestroy();
    else socket.destroy();
  }

  /** Leaves HTTP: the socket is the caller's of this method from now on. */
  detach(): Socket {
    this.headersSent = true;
    return this.#connection.detach();
  }

  /** The socket has room again. */
  onDrain(): void {
    if (this.#ended) this.#finish(true);
    else this.events?.onDrain();
  }

  /** The socket is gone. */
  onClose(): void {
    this.#finish(false);
  }

  #finish(complete: boolean): void {
    if (this.closed) return;
    this.closed = true;
    this.events?.onClosed(complete);
  }
}

function lastChunk(trailers: readonly string[]): string {
  let text = "0\r\n";
  for (let i = 0; i < trailers.length; i += 2) {
    const name = (trailers[i] as string).toLowerCase();
    if (!forbiddenTrailers.has(name)) text += `${name}: ${trailers[i + 1]}\r\n`;
  }
  return `${text}\r\n`;
}
