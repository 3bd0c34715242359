import type { IncomingMessage, ServerResponse } from "node:http";
import { type HttpHead, NodeHead } from "../../http-head.ts";
import { type Answer, type Exchange, setField } from "./exchange.ts";

export class Http1Exchange implements Exchange {
  readonly head: HttpHead;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    this.head = new NodeHead(request.headers);
    // What goes wrong with the connection is told by the close of the response.
    request.on("error", ignore);
    response.on("error", ignore);
  }

  get remoteAddress(): string {
    return this.#request.socket.remoteAddress ?? "";
  }

  /** Reads on after an early answer: the connection will be used again. */
  read(take: (piece: Buffer) => boolean, end: () => void): void {
    let wanted = true;
    this.#request.on("data", (piece: Buffer) => {
      if (wanted) wanted = take(piece);
    });
    this.#request.on("end", () => {
      if (wanted) end();
    });
  }

  drop(): void {
    this.#request.resume();
  }

  onGone(listener: () => void): void {
    this.#response.on("close", () => {
      if (!this.#response.writableEnded) listener();
    });
  }

  send({ status, headers, body }: Answer): void {
    const response = this.#response;
    if (response.writableEnded || response.destroyed) return;
    setField(headers, "content-length", String(body?.byteLength ?? 0));
    response.writeHead(status, headers);
    response.end(body);
  }

  destroy(): void {
    this.#response.destroy();
  }
}

function ignore(): void {}
