import { type ContextKey, createContextKey } from "@connectrpc/connect";
import type { SpanContext } from "@opentelemetry/api";
import type { Logger } from "@plinth/kernel";
import type { HttpHead } from "../http-head.ts";
import { anonymous, type CallContext, type Principal } from "../principal.ts";
import type { CallEnd } from "./call-end.ts";

/** The call of a request that the library serves; absent until the interceptor has made it. */
export const serverCallKey: ContextKey<ServerCall | undefined> = createContextKey<ServerCall | undefined>(undefined, {
  description: "call",
});

/** Address of the TCP peer, set when a request arrives. */
export const peerAddressKey: ContextKey<string> = createContextKey("", { description: "peer address" });

export interface ServerCallInit {
  requestId: string;
  head: HttpHead;
  remoteAddress: string;
  end: CallEnd;
  /** The process's log. */
  logger: Logger;
}

/** A call as the steps before its handler fill it. What few handlers ask for is made when one does. */
export class ServerCall implements CallContext {
  principal: Principal = anonymous;
  workload: string | undefined;
  actor = "anonymous";
  accessToken: string | undefined;
  remoteAddress: string;
  spanContext: SpanContext | undefined;
  readonly requestId: string;
  readonly head: HttpHead;
  readonly end: CallEnd;
  readonly #processLogger: Logger;
  #logger: Logger | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;

  constructor({ requestId, head, remoteAddress, end, logger }: ServerCallInit) {
    this.requestId = requestId;
    this.head = head;
    this.remoteAddress = remoteAddress;
    this.end = end;
    this.#processLogger = logger;
  }

  get userAgent(): string {
    return (this.head.get("user-agent") ?? "").slice(0, 256);
  }

  get traceparent(): string | undefined {
    if (this.spanContext === undefined) return undefined;
    const { traceId, spanId, traceFlags } = this.spanContext;
    return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
  }

  get signal(): AbortSignal {
    return this.end.signal;
  }

  get logger(): Logger {
    this.#logger ??= this.#processLogger.child({ request_id: this.requestId });
    return this.#logger;
  }

  get requestHeader(): Headers {
    return this.head.toHeaders();
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers();
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers();
    return this.#responseTrailer;
  }

  /** What the handler has set so far; undefined when it has not even asked. */
  get metadataSet(): { header: Headers | undefined; trailer: Headers | undefined } {
    return { header: this.#responseHeader, trailer: this.#responseTrailer };
  }

  /** From here on metadata goes right to where the library takes it from. */
  sendThrough(header: Headers, trailer: Headers): void {
    this.#responseHeader = header;
    this.#responseTrailer = trailer;
  }
}
