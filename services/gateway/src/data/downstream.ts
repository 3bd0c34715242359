import type { BodySink } from "./request-body.ts";
import type { RequestHead } from "./request-head.ts";

export interface DownstreamEvents {
  /** The answer went out completely (`complete`) or the caller is gone. Called once. */
  onClosed(complete: boolean): void;
  /** Room again after `write` returned false. */
  onDrain(): void;
}

/** The caller's side of one request, the same for HTTP/1.1 and HTTP/2. */
export interface Downstream {
  readonly version: "1.1" | "2";
  /** Came over TLS. */
  readonly secure: boolean;
  /** The server name of the TLS handshake in lower case; "" without one. */
  readonly serverName: string;
  readonly method: string;
  /** Path with query, as sent. */
  readonly target: string;
  readonly head: RequestHead;
  readonly hasBody: boolean;
  /** All of the request came, or there is no more to come. */
  readonly bodyEnded: boolean;
  readonly remoteAddress: string;
  readonly headersSent: boolean;
  readonly closed: boolean;
  readonly isUpgrade: boolean;
  events: DownstreamEvents | undefined;
  /** Hands the request's body out from now on, also within this call; called at most once. */
  readBody(sink: BodySink): void;
  /** Little more comes until `resumeBody`. */
  pauseBody(): void;
  resumeBody(): void;
  /** Sends the head. `headers`: name in lower case and value in turn. `end` promises that nothing follows. */
  start(status: number, headers: string[], end: boolean): void;
  /** The chunk may change after the call. False: wait for `onDrain`. */
  write(chunk: Uint8Array): boolean;
  /** Ends the answer, with a last chunk (which may change after the call) or trailers (name and value in turn). */
  end(chunk?: Uint8Array, trailers?: readonly string[]): void;
  /** Ends like `end`, after the request's body has gone by: closing before that could cost the caller the answer. */
  endAfterBody(chunk?: Uint8Array): void;
  /** Cuts the answer short so that the caller notices. */
  abort(): void;
}
