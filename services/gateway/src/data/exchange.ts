import type { Span } from "@opentelemetry/api";
import type { Search } from "@plinth/balancer";
import type { Clock } from "@plinth/kernel";
import type { Downstream, DownstreamEvents } from "./downstream.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Entrance } from "./entrance.ts";
import type { KeptBody } from "./kept-body.ts";
import { isStreaming, type ProtocolKind, protocolKind } from "./protocol-kind.ts";
import type { RateLimitDecision } from "./rate-limiter.ts";
import type { Refusal } from "./refusals.ts";
import type { RequestHead } from "./request-head.ts";
import type { Backend, Route } from "./route.ts";

/** Who calls, as far as the edge knows. */
export interface Caller {
  kind: "anonymous" | "token";
  /** The token's subject; empty for an anonymous caller. */
  subject: string;
}

export const anonymous: Caller = Object.freeze({ kind: "anonymous", subject: "" });

/** The part that currently works for the exchange upstream. */
export interface Forwarding {
  /** The caller is gone or time is over: stop, and answer nothing. */
  cancel(): void;
  /** The caller can take more. */
  resume(): void;
}

export interface ExchangeOptions {
  downstream: Downstream;
  /** Where the request came in. */
  entrance: Entrance;
  clock: Clock;
  onEnd: ExchangeEnd;
  upgradeHead?: Uint8Array | undefined;
}

export type ExchangeEnd = (exchange: Exchange, complete: boolean) => void;

/** Everything known about one request while it is in the gateway. */
export class Exchange implements DownstreamEvents {
  readonly downstream: Downstream;
  readonly entrance: Entrance;
  readonly head: RequestHead;
  readonly method: string;
  readonly startedMs: number;
  readonly kind: ProtocolKind;
  /** Set when the request asks to leave HTTP. */
  readonly upgradeHead: Uint8Array | undefined;
  /** Normalised path without query; empty until accepted. */
  path = "";
  /** With the question mark; empty without one. */
  query = "";
  host = "";
  address = "";
  route: Route | undefined;
  /** The one of the route's backends that this request goes to; undefined when the route has but one. */
  backend: Backend | undefined;
  /** Path for the service; empty: the caller's. */
  rewrittenPath = "";
  /** Host for the service; empty: the caller's. */
  rewrittenHost = "";
  requestId = "";
  traceId = "";
  traceparent = "";
  span: Span | undefined;
  caller: Caller = anonymous;
  rateLimit: RateLimitDecision | undefined;
  endpoint: Endpoint | undefined;
  forwarding: Forwarding | undefined;
  status = 0;
  grpcStatus = "";
  /** Why the gateway itself answered; empty when the service did. */
  reason = "";
  requestBytes = 0;
  responseBytes = 0;
  attempts = 0;
  /** Streams that an instance refused to take, beside the attempts. */
  refused = 0;
  /** When the last of them began, on the monotonic clock. */
  attemptMs = 0;
  /** What to say when no endpoint is left to try. */
  failed: Refusal | undefined;
  /** Endpoints that could not be connected since the last pause. */
  unreachable: readonly Endpoint[] = [];
  /** Attempts that ended so. */
  unreached = 0;
  search: Search | undefined;
  upstreamHeaders: string[] | undefined;
  bufferedBody: Buffer | undefined;
  /** A body that is streamed over HTTP/2, and may be streamed again while it is small. */
  keptBody: KeptBody | undefined;
  timer: NodeJS.Timeout | undefined;
  /** Bounds one attempt, or waits for the next one. */
  attemptTimer: NodeJS.Timeout | undefined;
  /** The caller's own deadline on the monotonic clock. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** The answer began and may stay open: a stream, server-sent events, a body of unknown length, a WebSocket. */
  openEnded = false;
  /** Moment of the last byte in either direction, for the idle limit. */
  activeMs: number;
  readonly #clock: Clock;
  #onEnd: ExchangeEnd;
  #ended = false;

  constructor({ downstream, entrance, clock, onEnd, upgradeHead }: ExchangeOptions) {
    this.downstream = downstream;
    this.entrance = entrance;
    this.#clock = clock;
    this.head = downstream.head;
    this.method = downstream.method;
    this.startedMs = clock.monotonicMs();
    this.activeMs = this.startedMs;
    this.upgradeHead = upgradeHead;
    this.kind = protocolKind(this.head.contentType, this.head.connectProtocol);
    this.#onEnd = onEnd;
    downstream.events = this;
  }

  get streaming(): boolean {
    return isStreaming(this.kind) || this.upgradeHead !== undefined;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Path with query as the service gets it. */
  get upstreamTarget(): string {
    return (this.rewrittenPath === "" ? this.path : this.rewrittenPath) + this.query;
  }

  /** Host as the service gets it: of the route, or else of the endpoint, or else the caller's. */
  get upstreamHost(): string {
    return this.rewrittenHost || this.endpoint?.ownHost || this.head.host;
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** Something moved: the idle limit starts anew. */
  touch(): void {
    this.activeMs = this.#clock.monotonicMs();
  }

  onClosed(complete: boolean): void {
    this.finish(complete);
  }

  onDrain(): void {
    this.forwarding?.resume();
  }

  /** Ends the accounting; safe to call twice. */
  finish(complete: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.timer = undefined;
    if (this.attemptTimer !== undefined) clearTimeout(this.attemptTimer);
    const forwarding = this.forwarding;
    this.forwarding = undefined;
    if (!complete) forwarding?.cancel();
    this.#onEnd(this, complete);
  }
}
