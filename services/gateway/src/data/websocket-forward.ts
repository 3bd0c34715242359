import { type IncomingMessage, request } from "node:http";
import type { Duplex } from "node:stream";
import { DownstreamHeaders } from "./downstream-headers.ts";
import { type Endpoint, upstreamLimits } from "./endpoint.ts";
import type { Exchange, Forwarding } from "./exchange.ts";
import type { ForwardOutcome } from "./forward.ts";
import type { Http1Downstream } from "./http1-downstream.ts";

/**
 * Passes a WebSocket handshake on and, once the service agreed, joins the two connections. A refusal by the service
 * reaches the caller as it is.
 */
export class WebSocketForward implements Forwarding {
  readonly #exchange: Exchange;
  readonly #endpoint: Endpoint;
  readonly #outcome: ForwardOutcome;
  #abort = new AbortController();
  #upstream: Duplex | undefined;
  #response: IncomingMessage | undefined;
  #settled = false;

  constructor(exchange: Exchange, endpoint: Endpoint, outcome: ForwardOutcome) {
    this.#exchange = exchange;
    this.#endpoint = endpoint;
    this.#outcome = outcome;
  }

  send(shared: readonly string[]): void {
    const exchange = this.#exchange;
    this.#endpoint.inFlight++;
    let connected = false;
    const upstream = request({
      host: this.#endpoint.host,
      port: this.#endpoint.port,
      method: "GET",
      path: exchange.upstreamTarget,
      headers: ["host", exchange.upstreamHost, "connection", "Upgrade", "upgrade", "websocket", ...shared],
      agent: false,
      signal: this.#abort.signal,
      maxHeaderSize: upstreamLimits.headBytesMax,
    });
    upstream.once("socket", (socket) => {
      socket.setTimeout(upstreamLimits.connectTimeoutMs, () => socket.destroy(new Error("connect timed out")));
      socket.once("connect", () => {
        connected = true;
        socket.setTimeout(0);
      });
    });
    upstream.on("upgrade", (response, socket, head) => this.#join(response, socket, head));
    upstream.on("response", (response) => this.#refused(response));
    upstream.on("error", (err) => {
      if (!this.#settle() || this.#abort.signal.aborted) return;
      this.#outcome.failed(exchange, this.#endpoint, err, connected);
    });
    upstream.end();
  }

  #join(response: IncomingMessage, upstream: Duplex, head: Buffer): void {
    const exchange = this.#exchange;
    const caller = (exchange.downstream as Http1Downstream).detach();
    this.#upstream = upstream;
    const headers = this.#copyHeaders(response);
    let text = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n";
    const list = headers.finish(exchange);
    for (let i = 0; i < list.length; i += 2) text += `${list[i]}: ${list[i + 1]}\r\n`;
    caller.write(`${text}\r\n`, "latin1");
    if (head.length > 0) caller.write(head);
    join(caller, upstream, (bytes) => this.#count("requestBytes", bytes));
    join(upstream, caller, (bytes) => this.#count("responseBytes", bytes));
    const close = () => {
      this.#settle();
      caller.destroy();
      upstream.destroy();
      exchange.finish(true);
    };
    caller.once("close", close);
    upstream.once("close", close);
    caller.resume();
  }

  #count(field: "requestBytes" | "responseBytes", bytes: number): void {
    this.#exchange[field] += bytes;
    this.#exchange.touch();
  }

  #copyHeaders(response: IncomingMessage): DownstreamHeaders {
    const headers = new DownstreamHeaders(this.#exchange);
    const raw = response.rawHeaders;
    for (let i = 0; i < raw.length; i += 2) headers.add((raw[i] as string).toLowerCase(), raw[i + 1] as string);
    this.#outcome.answered(this.#exchange, this.#endpoint, response.statusCode as number, headers);
    return headers;
  }

  #refused(response: IncomingMessage): void {
    const exchange = this.#exchange;
    this.#response = response;
    const headers = this.#copyHeaders(response);
    exchange.downstream.start(response.statusCode as number, headers.finish(exchange), false);
    response.on("data", (chunk: Buffer) => {
      exchange.responseBytes += chunk.length;
      if (!exchange.downstream.write(chunk)) response.pause();
    });
    response.on("end", () => {
      this.#settle();
      exchange.downstream.end();
      exchange.finish(true);
    });
  }

  /** True the first time. */
  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#endpoint.inFlight--;
    return true;
  }

  cancel(): void {
    this.#settle();
    this.#abort.abort();
    this.#upstream?.destroy();
  }

  resume(): void {
    this.#response?.resume();
  }
}

/** Copies one direction with back-pressure; a half-close is passed on. */
function join(from: Duplex, to: Duplex, count: (bytes: number) => void): void {
  from.on("data", (chunk: Buffer) => {
    count(chunk.length);
    if (!to.write(chunk)) from.pause();
  });
  to.on("drain", () => from.resume());
  from.on("end", () => to.end());
  from.on("error", () => to.destroy());
}
