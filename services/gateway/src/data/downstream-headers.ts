import { changeHeaders } from "./change-headers.ts";
import { addCorsHeaders, isCorsHeader } from "./cors.ts";
import type { Exchange } from "./exchange.ts";
import { addRateLimitHeaders } from "./rate-limit-headers.ts";

/** Never copied from a service's answer: they belong to one connection (RFC 9110 section 7.6.1). */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "transfer-encoding",
  "upgrade",
  "te",
  "http2-settings",
]);

/** Collects the headers of a service's answer for the caller. */
export class DownstreamHeaders {
  readonly list: string[] = [];
  contentLength = -1;
  contentType = "";
  grpcStatus = "";
  #hasRequestId = false;
  readonly #corsByEdge: boolean;
  #named: string | undefined;

  constructor(exchange: Exchange) {
    this.#corsByEdge = exchange.route?.cors !== undefined;
  }

  /** `name` in lower case. */
  add(name: string, value: string): void {
    switch (name) {
      case "content-length":
        this.contentLength = Number(value);
        break;
      case "content-type":
        this.contentType = value;
        break;
      case "x-request-id":
        this.#hasRequestId = true;
        break;
      case "grpc-status":
        this.grpcStatus = value;
        break;
      case "connection":
        if (value !== "keep-alive" && value !== "close")
          this.#named = `${this.#named ?? ""},${value.toLowerCase().replaceAll(" ", "")}`;
        return;
      default:
        if (hopByHop.has(name) || (this.#corsByEdge && isCorsHeader(name))) return;
    }
    this.list.push(name, value);
  }

  /** What the edge adds; returns the finished list. */
  finish(exchange: Exchange): string[] {
    if (this.#named !== undefined) this.#dropNamed(this.#named);
    if (!this.#hasRequestId) this.list.push("x-request-id", exchange.requestId);
    if (exchange.backend?.responseHeaders !== undefined) changeHeaders(this.list, exchange.backend.responseHeaders);
    if (exchange.route?.responseHeaders !== undefined) changeHeaders(this.list, exchange.route.responseHeaders);
    addRateLimitHeaders(exchange, this.list);
    addCorsHeaders(exchange, this.list);
    return this.list;
  }

  #dropNamed(tokens: string): void {
    const named = new Set(tokens.split(","));
    named.delete("");
    named.delete("close");
    named.delete("keep-alive");
    named.delete("content-length");
    if (named.size === 0) return;
    for (let i = this.list.length - 2; i >= 0; i -= 2) if (named.has(this.list[i] as string)) this.list.splice(i, 2);
  }
}
