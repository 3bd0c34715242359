import { type ContextKey, createContextKey } from "@connectrpc/connect";
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
  workload: string | undefined = undefined;
  actor = "anonymous";
  via: string | undefined = undefined;
  accessToken: string | undefined = undefined;
  requestId: string;
  traceparent: string | undefined = undefined;
  remoteAddress: string;
  clientAddress: string | undefined = undefined;
  userAgent: string;
  readonly head: HttpHead;
  readonly end: CallEnd;
  /** Shared with copies. */
  readonly made: Made;

  constructor({ requestId, head, remoteAddress, end, logger }: ServerCallInit) {
    this.requestId = requestId;
    this.remoteAddress = remoteAddress;
    this.userAgent = (head.get("user-agent") ?? "").slice(0, 256);
    this.head = head;
    this.end = end;
    this.made = { processLogger: logger, logger: undefined, header: undefined, trailer: undefined };
  }

  get signal(): AbortSignal {
    return this.end.signal;
  }

  timeLeftMs(): number {
    return this.end.leftMs();
  }

  get logger(): Logger {
    this.made.logger ??= this.made.processLogger.child({ request_id: this.requestId });
    return this.made.logger;
  }

  get requestHeader(): Headers {
    return this.head.toHeaders();
  }

  get responseHeader(): Headers {
    this.made.header ??= new Headers();
    return this.made.header;
  }

  get responseTrailer(): Headers {
    this.made.trailer ??= new Headers();
    return this.made.trailer;
  }

  /** What the handler has set so far; undefined when it has not even asked. */
  metadataSet(): { readonly header: Headers | undefined; readonly trailer: Headers | undefined } {
    return this.made;
  }

  /** From here on metadata goes right to where the library takes it from. */
  sendThrough(header: Headers, trailer: Headers): void {
    this.made.header = header;
    this.made.trailer = trailer;
  }
}

interface Made {
  readonly processLogger: Logger;
  logger: Logger | undefined;
  header: Headers | undefined;
  trailer: Headers | undefined;
}
