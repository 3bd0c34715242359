import type { Downstream } from "../data/downstream.ts";
import type { BodySink } from "../data/request-body.ts";

/** The body of a request as an async iterable, read as fast as it is taken. */
export class RequestStream implements BodySink, AsyncIterable<Uint8Array> {
  readonly #downstream: Downstream;
  readonly #chunks: Buffer[] = [];
  #begun = false;
  #ended = false;
  #error: Error | undefined;
  #wake: () => void = () => {};

  constructor(downstream: Downstream, gone: AbortSignal) {
    this.#downstream = downstream;
    gone.addEventListener("abort", () => this.onBodyError(new Error("the caller is gone")), { once: true });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    if (!this.#begun) {
      this.#begun = true;
      this.#downstream.readBody(this);
    }
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#error !== undefined) throw this.#error;
      else if (this.#ended) return;
      else await this.#more();
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#downstream.resumeBody();
    });
  }

  onBodyData(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#downstream.pauseBody();
    this.#wake();
  }

  onBodyEnd(): void {
    this.#ended = true;
    this.#wake();
  }

  onBodyError(err: Error): void {
    this.#error ??= err;
    this.#wake();
  }
}
