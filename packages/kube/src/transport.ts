export type ApiMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface ApiCall {
  method: ApiMethod;
  /** Absolute path without query. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON. */
  body?: unknown;
  /** Of the body. Default application/json. */
  contentType?: string;
  /** Default application/json. */
  accept?: string;
  /** Bound for the whole call, waits and retries included; for a stream, until its headers. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

export interface ApiAnswer {
  /** Parsed when the answer is JSON, else text. */
  body: unknown;
  /** The server's own clock, milliseconds since 1970, in whole seconds; absent without a Date header. */
  dateMs?: number;
}

/**
 * Carries calls to one API server. The seam for recording calls, for cutting them and for fencing writes: wrap it.
 * Refusals and network failures are Faults; an abort by the caller throws the signal's reason.
 */
export interface Transport {
  send(call: ApiCall): Promise<ApiAnswer>;
  /** Chunks of a streamed answer. Ends when the server ends it; throws when nothing came for `idleMs`. */
  open(call: ApiCall & { idleMs: number }): AsyncIterable<Uint8Array>;
  /** Cuts whatever is in flight. */
  close(): Promise<void>;
}
