import { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import { DownstreamHeaders } from "./downstream-headers.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Exchange, Forwarding } from "./exchange.ts";
import type { ForwardOutcome } from "./forward.ts";
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

/** One attempt over HTTP/2, both directions streaming, trailers kept: gRPC and Connect streams. */
export class Http2Forward implements Forwarding, BodySink {
  readonly #exchange: Exchange;
  readonly #endpoint: Endpoint;
  readonly #outcome: ForwardOutcome;
  #session: ClientHttp2Session | undefined;
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
    this.#endpoint.inFlight++;
    this.#endpoint.sessions.acquire().then(
      (session) => this.#start(session, headers, authority),
      (err: Error) => this.#fail(err, false),
    );
  }

  #start(session: ClientHttp2Session, headers: string[], authority: string): void {
    this.#session = session;
    if (this.#cancelled) {
      this.#settle();
      return;
    }
    const exchange = this.#exchange;
    const path = exchange.upstreamTarget;
    const head = [":method", exchange.method, ":scheme", "http", ":authority", authority, ":path", path];
    if (exchange.head.contentLength >= 0) head.push("content-length", String(exchange.head.contentLength));
    if (exchange.head.teTrailers) head.push("te", "trailers");
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(head.concat(headers), { endStream: !exchange.downstream.hasBody });
    } catch (err) {
      this.#fail(err as Error, false);
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
    downstream.readBody(this);
  }

  onBodyData(chunk: Buffer): void {
    const exchange = this.#exchange;
    exchange.requestBytes += chunk.length;
    exchange.touch();
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
    // A refused stream was not processed (RFC 9113 section 8.7): it may be sent again.
    if (this.#finished) this.#settle();
    else this.#fail(new StreamClosed(rstCode), rstCode !== constants.NGHTTP2_REFUSED_STREAM);
  }

  cancel(): void {
    if (this.#settled || this.#cancelled) return;
    this.#cancelled = true;
    const stream = this.#stream;
    if (stream && !stream.destroyed) stream.close(constants.NGHTTP2_CANCEL);
    if (stream) this.#settle();
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
    if (this.#session) this.#endpoint.sessions.release(this.#session);
  }
}
