import { type ClientHttp2Stream, constants } from "node:http2";
import { type PooledSession, type SessionWaiter, wasNotProcessed } from "@plinth/clients/http2";
import { DownstreamHeaders } from "./downstream-headers.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Exchange, Forwarding } from "./exchange.ts";
import type { ForwardOutcome } from "./forward.ts";
import { KeptBody } from "./kept-body.ts";
import { type BodySink, BodyTooLarge } from "./request-body.ts";
import type { Route } from "./route.ts";

class StreamClosed extends Error {
  readonly rstCode: number;

  constructor(rstCode: number) {
    super(`the service closed the stream with code ${rstCode}`);
    this.name = "StreamClosed";
    this.rstCode = rstCode;
  }
}

/** The instance has not touched the request: it may be sent again, whatever it was. */
export class StreamRefused extends Error {
  constructor(cause?: unknown) {
    super("the service took no more streams on this connection", { cause });
    this.name = "StreamRefused";
  }
}

/** One attempt over HTTP/2, both directions streaming, trailers kept: gRPC and Connect streams. */
export class Http2Forward implements Forwarding, BodySink, SessionWaiter {
  readonly #exchange: Exchange;
  readonly #endpoint: Endpoint;
  readonly #outcome: ForwardOutcome;
  #pooled: PooledSession | undefined;
  #headers: string[] = [];
  #authority = "";
  #stream: ClientHttp2Stream | undefined;
  #cancelled = false;
  #settled = false;
  /** Messages of streams are limited by the service. */
  #bodyBytesMax = Number.POSITIVE_INFINITY;
  #trailers: string[] = [];
  #finished = false;

  constructor(exchange: Exchange, endpoint: Endpoint, outcome: ForwardOutcome) {
    this.#exchange = exchange;
    this.#endpoint = endpoint;
    this.#outcome = outcome;
  }

  send(headers: string[], authority: string): void {
    const { sessions } = this.#endpoint;
    this.#endpoint.inFlight++;
    this.#headers = headers;
    this.#authority = authority;
    const pooled = sessions.take();
    if (pooled === undefined) sessions.wait(this);
    else this.onSession(pooled);
  }

  onUnavailable(err: Error): void {
    this.#fail(err, false);
  }

  onSession(pooled: PooledSession): void {
    this.#pooled = pooled;
    const { session } = pooled;
    const exchange = this.#exchange;
    const authority = this.#authority;
    const path = exchange.upstreamTarget;
    const head = [":method", exchange.method, ":scheme", "http", ":authority", authority, ":path", path];
    if (exchange.head.contentLength >= 0) head.push("content-length", String(exchange.head.contentLength));
    if (exchange.head.teTrailers) head.push("te", "trailers");
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(head.concat(this.#headers), { endStream: !exchange.downstream.hasBody });
    } catch (err) {
      // It began to close between two turns of the event loop.
      this.#fail(session.closed || session.destroyed ? new StreamRefused(err) : (err as Error), false);
      return;
    }
    this.#stream = stream;
    stream.on("response", (_headers, flags, raw) => {
      try {
        this.#onResponse(flags, raw as unknown as string[]);
      } catch (err) {
        // A head that cannot be passed on, for example with a status that HTTP/2 forbids.
        stream.close(constants.NGHTTP2_CANCEL);
        this.#fail(err as Error, true);
      }
    });
    stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    stream.on("trailers", (_headers, _flags, raw) => this.#onTrailers(raw as unknown as string[]));
    stream.on("end", () => this.#onEnd());
    stream.on("error", () => {});
    stream.on("close", () => this.#onClose());
    if (exchange.downstream.hasBody) this.#pumpBody(stream);
  }

  #pumpBody(stream: ClientHttp2Stream): void {
    const { downstream, bufferedBody, streaming, route } = this.#exchange;
    if (bufferedBody !== undefined) {
      stream.end(bufferedBody);
      return;
    }
    if (!streaming) this.#bodyBytesMax = (route as Route).maxBodyBytes;
    stream.on("drain", () => downstream.resumeBody());
    this.#exchange.keptBody ??= new KeptBody(this.#exchange);
    this.#exchange.keptBody.attach(this);
  }

  onBodyData(chunk: Buffer): void {
    const exchange = this.#exchange;
    const stream = this.#stream;
    if (stream === undefined || stream.destroyed || stream.writableEnded) return;
    if (exchange.requestBytes > this.#bodyBytesMax) {
      stream.close(constants.NGHTTP2_CANCEL);
      this.#fail(new BodyTooLarge(), true);
    } else if (!stream.write(chunk)) exchange.downstream.pauseBody();
  }

  onBodyEnd(): void {
    const stream = this.#stream;
    if (stream !== undefined && !stream.destroyed) stream.end();
  }

  /** The caller reset its stream: the exchange ends by itself. */
  onBodyError(): void {}

  #onResponse(flags: number, raw: string[]): void {
    if (this.#cancelled) return;
    const exchange = this.#exchange;
    const out = new DownstreamHeaders(exchange);
    let status = 0;
    for (let i = 0; i < raw.length; i += 2) {
      if (raw[i] === ":status") status = Number(raw[i + 1]);
      else out.add(raw[i] as string, raw[i + 1] as string);
    }
    exchange.touch();
    if (!this.#outcome.answered(exchange, this.#endpoint, status, out)) {
      this.cancel();
      return;
    }
    const end = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    if (end) this.#finished = true;
    exchange.downstream.start(status, out.finish(exchange), end);
    if (end && exchange.downstream.version === "1.1") exchange.downstream.end();
  }

  #onData(chunk: Buffer): void {
    if (this.#cancelled) return;
    const exchange = this.#exchange;
    exchange.responseBytes += chunk.length;
    exchange.touch();
    if (!exchange.downstream.write(chunk)) this.#stream?.pause();
  }

  #onTrailers(raw: string[]): void {
    this.#trailers = raw;
    for (let i = 0; i < raw.length; i += 2)
      if (raw[i] === "grpc-status") this.#exchange.grpcStatus = raw[i + 1] as string;
  }

  #onEnd(): void {
    if (this.#finished || this.#cancelled || !this.#exchange.downstream.headersSent) return;
    // Cut off by a reset: "end" comes first, "close" tells. A whole answer ends without a code.
    if (this.#stream && this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    this.#finished = true;
    this.#exchange.downstream.end(undefined, this.#trailers);
  }

  #onClose(): void {
    if (this.#settled) return;
    const rstCode = this.#stream?.rstCode ?? 0;
    if (this.#finished) this.#settle();
    else if (this.#wasNotProcessed) this.#fail(new StreamRefused(), false);
    else this.#fail(new StreamClosed(rstCode), true);
  }

  get #wasNotProcessed(): boolean {
    const session = this.#pooled?.session;
    return session !== undefined && this.#stream !== undefined && wasNotProcessed(session, this.#stream);
  }

  cancel(): void {
    if (this.#settled || this.#cancelled) return;
    this.#cancelled = true;
    const stream = this.#stream;
    if (stream === undefined) this.#endpoint.sessions.abandon(this);
    else if (!stream.destroyed) stream.close(constants.NGHTTP2_CANCEL);
    this.#settle();
  }

  resume(): void {
    this.#stream?.resume();
  }

  #fail(err: Error, sent: boolean): void {
    if (this.#settled) return;
    this.#settle();
    if (this.#cancelled) return;
    this.#outcome.failed(this.#exchange, this.#endpoint, err, sent);
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#endpoint.inFlight--;
    if (this.#pooled !== undefined) this.#endpoint.sessions.release(this.#pooled);
  }
}
