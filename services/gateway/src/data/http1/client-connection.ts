import net, { type Socket } from "node:net";
import { ChunkedDecoder } from "./chunked-decoder.ts";
import { writeChunk, writePacket } from "./packet.ts";
import { ResponseParser } from "./response-parser.ts";

/** One request that a connection carries, and who hears of its answer. */
export interface ClientCall {
  readonly method: string;
  /** Given up while it waited for a connection. */
  readonly cancelled: boolean;
  /** The connection is there: write the request to it now, within this call. */
  onConnection(connection: ClientConnection): void;
  /** The head of the final answer; name in lower case and value in turn. */
  onHead(status: number, fields: readonly string[]): void;
  /** The chunk may change after the call. `last`: `onEnd` follows at once, and there are no trailers. */
  onData(chunk: Buffer, last: boolean): void;
  onEnd(trailers: readonly string[]): void;
  /** Nothing else follows. */
  onError(err: Error): void;
  /** Room for more of the request's body. */
  onDrain(): void;
}

export interface ClientConnectionOptions {
  host: string;
  port: number;
  connectTimeoutMs: number;
  headBytesMax: number;
  fieldsMax: number;
  /** Interim answers (1xx) to one request. */
  interimMax: number;
  onConnect: (connection: ClientConnection) => void;
  /** Its call has ended and it can take another. */
  onIdle: (connection: ClientConnection) => void;
  /** Called once; `err` when it never connected. */
  onClose: (connection: ClientConnection, err: Error | undefined) => void;
}

type State = "connecting" | "idle" | "head" | "length" | "chunks" | "until-close" | "closed";

/** All connections read into it: what a read brought is dealt with before the next one. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** One HTTP/1.1 connection to an instance of a service; one request at a time. */
export class ClientConnection {
  readonly #options: ClientConnectionOptions;
  readonly #socket: Socket;
  readonly #parser: ResponseParser;
  #state: State = "connecting";
  #call: ClientCall | undefined;
  /** The beginning of a head that is not whole. */
  #pending: Buffer | undefined;
  #left = 0;
  #chunks: ChunkedDecoder | undefined;
  #keepAlive = false;
  #paused = false;
  /** The last Keep-Alive, which is mostly the same again, and what it says. */
  #keepAliveSaid = "";
  #keepAliveS = -1;
  #requestSent = false;
  #interim = 0;
  #error: Error | undefined;
  #connectTimer: NodeJS.Timeout | undefined;
  /** What the peer said of how long it keeps idle connections, in seconds; -1: nothing. */
  keepAliveHintS = -1;
  /** Ticks of its pool's clock since it became idle. */
  idleTicks = 0;

  constructor(options: ClientConnectionOptions) {
    this.#options = options;
    this.#parser = new ResponseParser(options.fieldsMax);
    const { host, port } = options;
    const socket = net.connect({
      host,
      port,
      noDelay: true,
      onread: { buffer: readBuffer, callback: (length, buffer) => this.#onRead(buffer as Buffer, length) },
    });
    this.#socket = socket;
    this.#connectTimer = setTimeout(() => this.#fail(new Error("connect timed out")), options.connectTimeoutMs);
    socket.once("connect", () => this.#onConnect());
    socket.on("drain", () => this.#call?.onDrain());
    socket.on("end", () => this.#onEnd());
    socket.on("error", (err) => this.#fail(err));
    socket.on("close", () => this.#onClose());
  }

  get closed(): boolean {
    return this.#state === "closed" || this.#socket.destroyed;
  }

  /** Takes a call; the connection must be idle. */
  assign(call: ClientCall): void {
    this.#call = call;
    this.#state = "head";
    this.#requestSent = false;
    this.#interim = 0;
    call.onConnection(this);
  }

  /** The request's head, with its body if that is whole. `more`: the body follows by `writeBody` and `endBody`. */
  writeRequest(head: string, body: Uint8Array | undefined, more: boolean): void {
    this.#requestSent = !more;
    writePacket(this.#socket, head, body);
  }

  /** A piece of the body, which the connection keeps. False: wait for `onDrain`. */
  writeBody(content: Uint8Array, chunked: boolean): boolean {
    if (this.closed || content.length === 0) return true;
    return chunked ? writeChunk(this.#socket, "", content) : this.#socket.write(content);
  }

  endBody(chunked: boolean): void {
    this.#requestSent = true;
    if (chunked && !this.closed) this.#socket.write("0\r\n\r\n", "latin1");
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Cuts the connection; its call hears nothing any more. */
  destroy(): void {
    this.#call = undefined;
    this.#socket.destroy();
  }

  #onConnect(): void {
    clearTimeout(this.#connectTimer);
    this.#state = "idle";
    this.#options.onConnect(this);
  }

  #onRead(buffer: Buffer, length: number): boolean {
    const before = this.#pending;
    const bytes = before === undefined ? buffer : Buffer.concat([before, buffer.subarray(0, length)]);
    this.#pending = undefined;
    this.#take(bytes, bytes === buffer ? length : bytes.length);
    return true;
  }

  #take(bytes: Buffer, to: number): void {
    let at = 0;
    while (at < to) {
      switch (this.#state) {
        case "head":
          at = this.#readHead(bytes, at, to);
          if (at < 0) return;
          break;
        case "length": {
          const end = Math.min(to, at + this.#left);
          this.#left -= end - at;
          const last = this.#left === 0;
          this.#call?.onData(bytes.subarray(at, end), last);
          at = end;
          if (last) this.#finish([], at < to);
          break;
        }
        case "chunks":
          at = this.#readChunks(bytes, at, to);
          if (at < 0) return;
          break;
        case "until-close":
          this.#call?.onData(bytes.subarray(at, to), false);
          return;
        default:
          // An answer to nothing: whoever sends it could give the next request a wrong one.
          this.#fail(new Error("the service sent bytes that nobody asked for"));
          return;
      }
    }
  }

  /** Returns where the head ends, or -1 when there is no more to do with these bytes. */
  #readHead(bytes: Buffer, from: number, to: number): number {
    const parser = this.#parser;
    const parsed = parser.parse(bytes, from, Math.min(to, from + this.#options.headBytesMax));
    if (parsed === "partial" && to - from < this.#options.headBytesMax) {
      this.#pending = Buffer.from(bytes.subarray(from, to));
      return -1;
    }
    if (parsed !== "whole")
      return this.#fail(new Error(parsed === "malformed" ? parser.problem : "the answer's head is too large"));
    const { status, fields, minorVersion } = parser;
    if (status < 200) {
      if (status === 101) return this.#fail(new Error("the service changed the protocol, which nobody asked for"));
      if (++this.#interim > this.#options.interimMax)
        return this.#fail(new Error("the service sends interim answers without end"));
      return parser.end;
    }
    const problem = this.#frame(status, fields, minorVersion === 1);
    if (problem !== "") return this.#fail(new Error(problem));
    this.#call?.onHead(status, fields);
    if (this.#state === "head") this.#finish([], parser.end < to);
    return this.closed ? -1 : parser.end;
  }

  /** Decides how the answer's end is found (RFC 9112 section 6.3); what could be read in two ways is refused. */
  #frame(status: number, fields: readonly string[], http11: boolean): string {
    let length = "";
    let coding = "";
    this.#keepAlive = http11;
    this.keepAliveHintS = -1;
    for (let i = 0; i < fields.length; i += 2) {
      const value = fields[i + 1] as string;
      switch (fields[i]) {
        case "content-length":
          if (length !== "" || !/^\d{1,15}$/.test(value)) return "the answer's content-length is not one number";
          length = value;
          break;
        case "transfer-encoding":
          if (coding !== "" || value.toLowerCase() !== "chunked")
            return "the answer's transfer-encoding is not chunked";
          coding = value;
          break;
        case "connection":
          if (value !== "keep-alive" && value.toLowerCase().includes("close")) this.#keepAlive = false;
          break;
        case "keep-alive":
          if (value !== this.#keepAliveSaid) {
            this.#keepAliveSaid = value;
            this.#keepAliveS = keepAliveSeconds(value);
          }
          this.keepAliveHintS = this.#keepAliveS;
      }
    }
    if (coding !== "" && (length !== "" || !http11)) return "the answer's length is told in two ways";
    if (this.#call?.method === "HEAD" || status === 204 || status === 304) return "";
    if (coding !== "") {
      this.#chunks = new ChunkedDecoder();
      this.#state = "chunks";
    } else if (length === "") {
      this.#keepAlive = false;
      this.#state = "until-close";
    } else if (length !== "0") {
      this.#left = Number(length);
      if (this.#left > 0) this.#state = "length";
    }
    return "";
  }

  #readChunks(bytes: Buffer, from: number, to: number): number {
    const chunks = this.#chunks as ChunkedDecoder;
    const end = chunks.decode(bytes, from, to, (content) => this.#call?.onData(content, false));
    if (chunks.broken) return this.#fail(new Error(chunks.problem));
    if (chunks.done) this.#finish(chunks.trailers, end < to);
    return end;
  }

  /** The answer is whole. A request that is not makes the connection useless, and so do bytes after the answer. */
  #finish(trailers: readonly string[], hasMore: boolean): void {
    const call = this.#call;
    const reusable = this.#keepAlive && this.#requestSent && !hasMore && !this.closed;
    this.#call = undefined;
    this.#chunks = undefined;
    this.#state = reusable ? "idle" : "closed";
    call?.onEnd(trailers);
    if (!reusable) this.#socket.destroy();
    else if (this.#state === "idle") {
      // The caller may have been slow to take this answer; the next one must be read.
      this.resume();
      this.#options.onIdle(this);
    }
  }

  #onEnd(): void {
    if (this.#state === "until-close") this.#finish([], false);
    else this.#fail(new Error("the service closed the connection"));
  }

  #fail(err: Error): -1 {
    this.#error ??= err;
    this.#socket.destroy();
    return -1;
  }

  #onClose(): void {
    clearTimeout(this.#connectTimer);
    const connecting = this.#state === "connecting";
    const err = this.#error ?? new Error("the connection to the service closed");
    this.#state = "closed";
    const call = this.#call;
    this.#call = undefined;
    this.#options.onClose(this, connecting ? err : undefined);
    call?.onError(err);
  }
}

/** Keep-Alive: timeout=5 */
function keepAliveSeconds(value: string): number {
  const found = /(?:^|[ ,])timeout=(\d{1,6})/i.exec(value);
  return found === null ? -1 : Number(found[1]);
}
