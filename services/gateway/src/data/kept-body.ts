import type { Exchange } from "./exchange.ts";
import type { BodyIncomplete, BodyMalformed, BodySink } from "./request-body.ts";

/** So much of a body that is streamed on is kept for another attempt. */
const keptBytesMax = 64 * 1024;

/**
 * A body that goes on to the service as it comes. Its beginning is kept until the service answers: a stream that an instance
 * refused, because its connection goes away, is opened again on another.
 */
export class KeptBody implements BodySink {
  readonly #exchange: Exchange;
  #sink: BodySink | undefined;
  #chunks: Buffer[] = [];
  #ended = false;
  /** All that came so far is kept. */
  isWhole = true;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Hands all of it to `sink`, and to nobody else any more. */
  attach(sink: BodySink): void {
    const { downstream } = this.#exchange;
    const isFirst = this.#sink === undefined;
    this.#sink = sink;
    if (isFirst) {
      downstream.readBody(this);
      return;
    }
    for (const chunk of this.#chunks) sink.onBodyData(chunk);
    if (this.#ended) sink.onBodyEnd();
    else downstream.resumeBody();
  }

  /** There will be no other attempt. */
  forget(): void {
    this.#chunks = [];
    this.isWhole = false;
  }

  onBodyData(chunk: Buffer): void {
    const exchange = this.#exchange;
    exchange.requestBytes += chunk.length;
    exchange.touch();
    if (exchange.requestBytes > keptBytesMax) this.forget();
    else if (this.isWhole) this.#chunks.push(chunk);
    this.#sink?.onBodyData(chunk);
  }

  onBodyEnd(): void {
    this.#ended = true;
    this.#sink?.onBodyEnd();
  }

  onBodyError(err: BodyIncomplete | BodyMalformed): void {
    this.#sink?.onBodyError(err);
  }
}
