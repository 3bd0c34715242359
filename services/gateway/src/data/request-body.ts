import { Readable } from "node:stream";
import type { Exchange } from "./exchange.ts";

export class BodyTooLarge extends Error {
  constructor() {
    super("request body over its limit");
    this.name = "BodyTooLarge";
  }
}

export class BodyIncomplete extends Error {
  constructor() {
    super("request body ended early");
    this.name = "BodyIncomplete";
  }
}

/**
 * A request body on its way upstream, counted and limited. Reads from the caller only as fast as the service takes
 * it, and nothing before the first read, so that an attempt that never connected can be repeated.
 */
export class RequestBody extends Readable {
  readonly #exchange: Exchange;
  readonly #limitBytes: number;
  #attached = false;

  constructor(exchange: Exchange, limitBytes: number) {
    super({ highWaterMark: 64 * 1024 });
    this.#exchange = exchange;
    this.#limitBytes = limitBytes;
  }

  override _read(): void {
    if (!this.#attached) this.#attach();
    this.#exchange.downstream.body.resume();
  }

  #attach(): void {
    this.#attached = true;
    const source = this.#exchange.downstream.body;
    let ended = false;
    source.on("data", (chunk: Buffer) => {
      const exchange = this.#exchange;
      exchange.requestBytes += chunk.length;
      exchange.touch();
      if (exchange.requestBytes > this.#limitBytes) this.destroy(new BodyTooLarge());
      else if (!this.push(chunk)) source.pause();
    });
    source.on("end", () => {
      ended = true;
      this.push(null);
    });
    source.on("close", () => {
      if (!ended && !this.destroyed) this.destroy(new BodyIncomplete());
    });
    source.on("error", () => this.destroy(new BodyIncomplete()));
  }
}
