import { constants, type ServerHttp2Stream } from "node:http2";
import type { Downstream, DownstreamEvents } from "./downstream.ts";
import type { BodySink } from "./request-body.ts";
import { RequestHead } from "./request-head.ts";
import type { Peer } from "./tls-termination.ts";

const connectionHeaders = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

export class Http2Downstream implements Downstream {
  readonly version = "2";
  readonly isUpgrade = false;
  readonly #stream: ServerHttp2Stream;
  readonly head: RequestHead;
  readonly remoteAddress: string;
  readonly secure: boolean;
  readonly serverName: string;
  readonly hasBody: boolean;
  readonly rawHeaders: readonly string[];
  method = "";
  target = "";
  events: DownstreamEvents | undefined;
  closed = false;
  #trailers: readonly string[] | undefined;

  constructor(stream: ServerHttp2Stream, flags: number, rawHeaders: readonly string[], peer: Peer) {
    this.#stream = stream;
    this.remoteAddress = peer.address;
    this.secure = peer.secure;
    this.serverName = peer.serverName;
    this.hasBody = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    this.rawHeaders = rawHeaders;
    this.head = new RequestHead(rawHeaders);
    this.#readPseudoHeaders(rawHeaders);
    stream.on("close", () => this.#closeOnce());
    stream.on("drain", () => this.events?.onDrain());
    // The reason arrives with "close"; without a listener it would end the process.
    stream.on("error", () => {});
  }

  /** nghttp2 refuses repeated, unknown and late pseudo-headers itself. */
  #readPseudoHeaders(rawHeaders: readonly string[]): void {
    let authority = "";
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] as string;
      const value = rawHeaders[i + 1] as string;
      if (name === ":method") this.method = value;
      else if (name === ":path") this.target = value;
      else if (name === ":authority") authority = value;
      else if (connectionHeaders.has(name)) this.head.problem = `${name} is not allowed in HTTP/2`;
    }
    if (authority === "") return;
    if (this.head.host !== "" && this.head.host !== authority)
      this.head.problem = "host and :authority name different hosts";
    this.head.host = authority;
    this.head.hostCount = 1;
  }

  get bodyEnded(): boolean {
    return !this.hasBody || this.#stream.readableEnded;
  }

  readBody(sink: BodySink): void {
    const stream = this.#stream;
    const onEnd = (): void => {
      // Cut off by a reset: "end" comes first, and "close" tells.
      if (stream.rstCode === constants.NGHTTP2_NO_ERROR) sink.onBodyEnd();
    };
    // A body without a byte may have ended before anybody read it.
    if (stream.readableEnded) onEnd();
    stream.on("data", (chunk: Buffer) => sink.onBodyData(chunk));
    stream.on("end", onEnd);
  }

  pauseBody(): void {
    this.#stream.pause();
  }

  resumeBody(): void {
    this.#stream.resume();
  }

  get headersSent(): boolean {
    return this.#stream.headersSent;
  }

  start(status: number, headers: string[], end: boolean): void {
    // Reset by the caller, and "close" is still to come.
    if (this.#isGone()) return;
    const all = [":status", String(status)];
    for (const item of headers) all.push(item);
    if (!end) this.#stream.on("wantTrailers", () => this.#sendTrailers());
    this.#stream.respond(all, end ? { endStream: true } : { waitForTrailers: true });
  }

  write(chunk: Uint8Array): boolean {
    if (this.#isGone()) return true;
    return this.#stream.write(Buffer.from(chunk));
  }

  end(chunk?: Uint8Array, trailers?: readonly string[]): void {
    if (this.#isGone()) return;
    this.#trailers = trailers;
    if (chunk === undefined) this.#stream.end();
    else this.#stream.end(Buffer.from(chunk));
  }

  /** The stream's end does not touch the connection: what still comes in is dropped. */
  endAfterBody(chunk?: Uint8Array): void {
    this.end(chunk);
    if (!this.#stream.destroyed) this.#stream.resume();
  }

  /** After `waitForTrailers` the stream stays open until this was called, trailers or not. */
  #sendTrailers(): void {
    const trailers: Record<string, string[]> = {};
    for (let i = 0; i < (this.#trailers?.length ?? 0); i += 2) {
      const name = this.#trailers?.[i] as string;
      if (name.startsWith(":") || connectionHeaders.has(name)) continue;
      trailers[name] ??= [];
      trailers[name].push(this.#trailers?.[i + 1] as string);
    }
    // Without trailers Node sends an empty DATA frame that ends the stream, which every client understands.
    try {
      this.#stream.sendTrailers(trailers);
    } catch {
      // Trailers that HTTP/2 does not let through: the answer must not look whole without them.
      this.abort();
    }
  }

  #isGone(): boolean {
    return this.closed || this.#stream.destroyed || this.#stream.closed;
  }

  abort(): void {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  #closeOnce(): void {
    if (this.closed) return;
    this.closed = true;
    this.events?.onClosed(this.#stream.rstCode === constants.NGHTTP2_NO_ERROR && this.#stream.writableFinished);
  }
}
