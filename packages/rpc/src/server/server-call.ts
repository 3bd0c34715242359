import { type ContextKey, createContextKey } from "@connectrpc/connect";
import type { SpanContext } from "@opentelemetry/api";
import type { Logger } from "@plinth/kernel";
import type { HttpHead } from "../http-head.ts";
import { anonymous, type CallContext } from "../principal.ts";
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

/** A call as the steps before its handler fill it. */
export interface ServerCall extends CallContext {
  spanContext: SpanContext | undefined;
  readonly head: HttpHead;
  readonly end: CallEnd;
  /** What the handler has set so far; undefined when it has not even asked. */
  metadataSet(): { header: Headers | undefined; trailer: Headers | undefined };
  /** From here on metadata goes right to where the library takes it from. */
  sendThrough(header: Headers, trailer: Headers): void;
}

/** What few handlers ask for is made when one does. All of it are own properties: handlers pass copies of a call on. */
export function createServerCall({ requestId, head, remoteAddress, end, logger }: ServerCallInit): ServerCall {
  let callLogger: Logger | undefined;
  let header: Headers | undefined;
  let trailer: Headers | undefined;
  return {
    principal: anonymous,
    workload: undefined,
    actor: "anonymous",
    via: undefined,
    clientAddress: undefined,
    accessToken: undefined,
    spanContext: undefined,
    requestId,
    head,
    remoteAddress,
    end,
    get userAgent() {
      return (head.get("user-agent") ?? "").slice(0, 256);
    },
    get traceparent() {
      if (this.spanContext === undefined) return undefined;
      const { traceId, spanId, traceFlags } = this.spanContext;
      return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
    },
    get signal() {
      return end.signal;
    },
    timeLeftMs: () => end.leftMs(),
    get logger() {
      callLogger ??= logger.child({ request_id: requestId });
      return callLogger;
    },
    get requestHeader() {
      return head.toHeaders();
    },
    get responseHeader() {
      header ??= new Headers();
      return header;
    },
    get responseTrailer() {
      trailer ??= new Headers();
      return trailer;
    },
    metadataSet: () => ({ header, trailer }),
    sendThrough(toHeader, toTrailer) {
      header = toHeader;
      trailer = toTrailer;
    },
  };
}
