import { DownstreamHeaders } from "./downstream-headers.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Exchange, Forwarding } from "./exchange.ts";
import type { ForwardOutcome } from "./forward.ts";
import type { ClientCall, ClientConnection } from "./http1/client-connection.ts";
import { type BodyIncomplete, type BodyMalformed, type BodySink, BodyTooLarge } from "./request-body.ts";

/** A body that comes piece by piece, up to this size. */
export interface BodyLimit {
  bytesMax: number;
}

/** One attempt over HTTP/1.1: the answer streams to the caller as fast as the caller takes it. */
export class Http1Forward implements ClientCall, Forwarding, BodySink {
  readonly #exchange: Exchange;
  readonly #endpoint: Endpoint;
  readonly #outcome: ForwardOutcome;
  readonly method: string;
  cancelled = false;
  #connection: ClientConnection | undefined;
  #shared: readonly string[] = [];
  #body: Buffer | undefined;
  /** -1: the body does not come piece by piece. */
  #streamBytesMax = -1;
  #settled = false;
  #ended = false;

  constructor(exchange: Exchange, endpoint: Endpoint, outcome: ForwardOutcome) {
    this.#exchange = exchange;
    this.#endpoint = endpoint;
    this.#outcome = outcome;
    this.method = exchange.method;
  }

  /** `body`: all of it, or how much of it may be streamed; undefined without one. */
  send(shared: readonly string[], body: Buffer | BodyLimit | undefined): void {
    this.#shared = shared;
    if (Buffer.isBuffer(body)) this.#body = body;
    else if (body !== undefined) this.#streamBytesMax = (body as BodyLimit).bytesMax;
    this.#endpoint.inFlight++;
    this.#endpoint.pool.dispatch(this);
  }

  onConnection(connection: ClientConnection): void {
    this.#connection = connection;
    const streams = this.#streamBytesMax >= 0;
    connection.writeRequest(this.#head(streams), this.#body, streams);
    if (streams) this.#exchange.downstream.readBody(this);
  }

  #head(streams: boolean): string {
    const { head, upstreamTarget, upstreamHost } = this.#exchange;
    let text = `${this.method} ${upstreamTarget} HTTP/1.1\r\nhost: ${upstreamHost}\r\n`;
    if (this.#chunked) text += "transfer-encoding: chunked\r\n";
    else if (streams) text += `content-length: ${head.contentLength}\r\n`;
    else if (this.#body !== undefined) text += `content-length: ${this.#body.length}\r\n`;
    // A method that usually has a body, without one (RFC 9110 section 8.6).
    else if (this.method !== "GET" && this.method !== "HEAD") text += "content-length: 0\r\n";
    const shared = this.#shared;
    for (let i = 0; i < shared.length; i += 2) text += `${shared[i]}: ${shared[i + 1]}\r\n`;
    return `${text}\r\n`;
  }

  get #chunked(): boolean {
    return this.#streamBytesMax >= 0 && this.#exchange.head.contentLength < 0;
  }

  onBodyData(chunk: Buffer): void {
    const exchange = this.#exchange;
    exchange.requestBytes += chunk.length;
    exchange.touch();
    if (this.#settled) return;
    if (exchange.requestBytes > this.#streamBytesMax) this.#cut(new BodyTooLarge());
    else if (this.#connection?.writeBody(chunk, this.#chunked) === false) exchange.downstream.pauseBody();
  }

  onBodyEnd(): void {
    if (!this.#settled) this.#connection?.endBody(this.#chunked);
  }

  onBodyError(err: BodyIncomplete | BodyMalformed): void {
    this.#cut(err);
  }

  onDrain(): void {
    this.#exchange.downstream.resumeBody();
  }

  cancel(): void {
    if (this.#settled || this.cancelled) return;
    this.cancelled = true;
    this.#settle();
    this.#connection?.destroy();
  }

  resume(): void {
    if (!this.#settled) this.#connection?.resume();
  }

  onHead(status: number, fields: readonly string[]): void {
    const exchange = this.#exchange;
    const out = new DownstreamHeaders(exchange);
    for (let i = 0; i < fields.length; i += 2) out.add(fields[i] as string, fields[i + 1] as string);
    if (!this.#outcome.answered(exchange, this.#endpoint, status, out)) {
      this.cancel();
      return;
    }
    try {
      exchange.downstream.start(status, out.finish(exchange), false);
    } catch (err) {
      // A head that HTTP/2 does not let through, for example with a second content-type.
      this.#cut(err as Error);
    }
  }

  onData(chunk: Buffer, last: boolean): void {
    const exchange = this.#exchange;
    exchange.responseBytes += chunk.length;
    if (last) {
      // Head, body and end leave in one piece.
      this.#ended = true;
      exchange.downstream.end(chunk);
      return;
    }
    exchange.touch();
    if (!exchange.downstream.write(chunk)) this.#connection?.pause();
  }

  onEnd(trailers: readonly string[]): void {
    this.#settle();
    if (!this.#ended) this.#exchange.downstream.end(undefined, trailers);
    this.#exchange.finish(true);
  }

  onError(err: Error): void {
    if (this.#settled) return;
    this.#settle();
    this.#outcome.failed(this.#exchange, this.#endpoint, err, this.#connection !== undefined);
  }

  /** Ends the attempt from this side: the service hears no more of it. */
  #cut(err: Error): void {
    if (this.#settled) return;
    this.#settle();
    this.#connection?.destroy();
    this.#outcome.failed(this.#exchange, this.#endpoint, err, true);
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#endpoint.inFlight--;
  }
}
