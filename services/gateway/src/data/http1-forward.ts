import type { Dispatcher } from "undici";
import { DownstreamHeaders } from "./downstream-headers.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Exchange, Forwarding } from "./exchange.ts";
import type { ForwardOutcome } from "./forward.ts";
import { RequestBody } from "./request-body.ts";

export class Cancelled extends Error {
  constructor() {
    super("the caller is gone or time is over");
    this.name = "Cancelled";
  }
}

type Controller = Dispatcher.DispatchController;

/** One attempt over HTTP/1.1: the answer streams to the caller as fast as the caller takes it. */
export class Http1Forward implements Dispatcher.DispatchHandler, Forwarding {
  readonly #exchange: Exchange;
  readonly #endpoint: Endpoint;
  readonly #outcome: ForwardOutcome;
  #controller: Controller | undefined;
  #cancelled = false;
  #settled = false;
  #expectedBytes = -1;
  #ended = false;

  constructor(exchange: Exchange, endpoint: Endpoint, outcome: ForwardOutcome) {
    this.#exchange = exchange;
    this.#endpoint = endpoint;
    this.#outcome = outcome;
  }

  send(shared: readonly string[], body: Buffer | RequestBody | null): void {
    const exchange = this.#exchange;
    const headers = ["host", exchange.upstreamHost];
    if (body instanceof RequestBody && exchange.head.contentLength >= 0)
      headers.push("content-length", String(exchange.head.contentLength));
    for (const item of shared) headers.push(item);
    this.#endpoint.inFlight++;
    try {
      const path = exchange.upstreamTarget;
      this.#endpoint.pool.dispatch({ method: exchange.method, path, headers, body }, this);
    } catch (err) {
      this.#fail(err as Error);
    }
  }

  cancel(): void {
    if (this.#settled || this.#cancelled) return;
    this.#cancelled = true;
    this.#controller?.abort(new Cancelled());
  }

  resume(): void {
    this.#controller?.resume();
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#cancelled) controller.abort(new Cancelled());
  }

  onResponseStart(
    _controller: Controller,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200 || this.#cancelled) return;
    const exchange = this.#exchange;
    const out = new DownstreamHeaders(exchange);
    for (const name in headers) {
      const value = headers[name];
      if (typeof value === "string") out.add(name, value);
      else if (value !== undefined) for (const one of value) out.add(name, one);
    }
    this.#expectedBytes = out.contentLength;
    if (this.#outcome.answered(exchange, this.#endpoint, status, out))
      exchange.downstream.start(status, out.finish(exchange), false);
    else this.cancel();
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    const exchange = this.#exchange;
    exchange.responseBytes += chunk.length;
    exchange.touch();
    if (exchange.responseBytes === this.#expectedBytes) {
      // The last byte: head, body and end leave in one piece.
      this.#ended = true;
      exchange.downstream.end(chunk);
    } else if (!exchange.downstream.write(chunk)) controller.pause();
  }

  onResponseEnd(_controller: Controller, trailers: Record<string, string | string[] | undefined>): void {
    this.#settle();
    const exchange = this.#exchange;
    if (!this.#ended) exchange.downstream.end(undefined, flatten(trailers));
    exchange.finish(true);
  }

  onResponseError(_controller: Controller, err: Error): void {
    this.#fail(err);
  }

  #fail(err: Error): void {
    if (this.#settled) return;
    this.#settle();
    if (this.#cancelled) return;
    this.#outcome.failed(this.#exchange, this.#endpoint, err, this.#controller !== undefined);
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#endpoint.inFlight--;
  }
}

function flatten(trailers: Record<string, string | string[] | undefined>): string[] {
  const flat: string[] = [];
  for (const name in trailers) {
    const value = trailers[name];
    if (typeof value === "string") flat.push(name, value);
    else if (value !== undefined) for (const one of value) flat.push(name, one);
  }
  return flat;
}
