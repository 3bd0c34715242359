import { Search } from "@plinth/balancer";
import { StreamsFull } from "@plinth/clients/http2";
import type { Random } from "@plinth/kernel";
import { changePath } from "./change-path.ts";
import type { DownstreamHeaders } from "./downstream-headers.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Exchange } from "./exchange.ts";
import { type BodyLimit, Http1Forward } from "./http1-forward.ts";
import { Http2Forward, StreamRefused } from "./http2-forward.ts";
import type { GatewayMetrics } from "./metrics.ts";
import type { Mirrors } from "./mirrors.ts";
import { pickBackend } from "./pick-backend.ts";
import { badRequest, type Refusal, refusals } from "./refusals.ts";
import { BodyIncomplete, BodyMalformed, BodyTooLarge } from "./request-body.ts";
import { refuse } from "./respond.ts";
import type { Rewrite, Route } from "./route.ts";
import { tellTimeLeft, timeLeftMs } from "./time-left.ts";
import { upstreamHeaders } from "./upstream-headers.ts";
import type { Upstreams } from "./upstreams.ts";
import { WebSocketForward } from "./websocket-forward.ts";
import type { WorkloadToken } from "./workload-token.ts";

/** What an attempt reports. */
export interface ForwardOutcome {
  /** The head of an answer arrived. False: it is not to be passed on, another attempt follows. */
  answered(exchange: Exchange, endpoint: Endpoint, status: number, headers: DownstreamHeaders): boolean;
  /** It broke. `sent`: bytes may have reached the service. */
  failed(exchange: Exchange, endpoint: Endpoint, err: Error, sent: boolean): void;
}

/** Attempts per request that reach an endpoint, the first included. */
const attemptsMax = 3;
/** A request whose connections go away under it, one after the other, is sent again so often. */
const refusedMax = 10;
/** A body up to this size with a known length is read before an endpoint is taken: one write, and repeatable. */
const bufferedBodyBytesMax = 64 * 1024;

export interface ForwarderOptions {
  upstreams: Upstreams;
  metrics: GatewayMetrics;
  workloadToken: WorkloadToken;
  mirrors: Mirrors;
  random: Random;
}

/** Sends a request to an endpoint of its service; repeats it elsewhere when that is safe. */
export class Forwarder implements ForwardOutcome {
  readonly #upstreams: Upstreams;
  readonly #metrics: GatewayMetrics;
  readonly #workloadToken: WorkloadToken;
  readonly #mirrors: Mirrors;
  readonly #random: Random;

  constructor(options: ForwarderOptions) {
    this.#upstreams = options.upstreams;
    this.#metrics = options.metrics;
    this.#workloadToken = options.workloadToken;
    this.#mirrors = options.mirrors;
    this.#random = options.random;
  }

  forward(exchange: Exchange): void {
    const { head, downstream } = exchange;
    const route = exchange.route as Route;
    if (route.backends !== undefined && !this.#chooseBackend(exchange, route)) {
      refuse(exchange, refusals.backendInvalid);
      return;
    }
    if (route.rewrite !== undefined) rewrite(exchange, route.rewrite);
    const limited = !exchange.streaming;
    if (limited && head.contentLength > route.maxBodyBytes) {
      refuse(exchange, refusals.bodyTooLarge);
      return;
    }
    if (limited && downstream.hasBody && head.contentLength > 0 && head.contentLength <= bufferedBodyBytesMax)
      this.#collect(exchange);
    else this.#attempt(exchange);
  }

  /** One of the route's backends, by weight; the same one for all attempts. */
  #chooseBackend(exchange: Exchange, { backends = [] }: Route): boolean {
    exchange.backend = backends.length === 1 ? backends[0] : pickBackend(backends, this.#random.fraction());
    return exchange.backend?.service !== undefined && exchange.backend.weight > 0;
  }

  #collect(exchange: Exchange): void {
    const chunks: Buffer[] = [];
    exchange.downstream.readBody({
      onBodyData(chunk) {
        exchange.requestBytes += chunk.length;
        if (exchange.requestBytes > bufferedBodyBytesMax) refuse(exchange, refusals.bodyTooLarge);
        else chunks.push(chunk);
      },
      onBodyEnd: () => {
        if (exchange.ended || exchange.downstream.headersSent) return;
        if (exchange.requestBytes !== exchange.head.contentLength) {
          refuse(exchange, refusals.requestIncomplete);
          return;
        }
        exchange.bufferedBody = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
        this.#attempt(exchange);
      },
      onBodyError: () => refuse(exchange, refusals.requestIncomplete),
    });
  }

  #attempt(exchange: Exchange): void {
    if (exchange.ended) return;
    const route = exchange.route as Route;
    if (timeLeftMs(exchange) < 1) {
      refuse(exchange, refusals.deadline);
      return;
    }
    const endpoint = this.#upstreams.pick(exchange.backend?.service ?? route.service, exchange.unreachable);
    if (endpoint === undefined) {
      if (exchange.attempts === 0) refuse(exchange, exchange.failed ?? refusals.noEndpoint);
      else this.#searchOn(exchange, false);
      return;
    }
    exchange.attempts++;
    exchange.attemptMs = exchange.nowMs();
    exchange.endpoint = endpoint;
    exchange.upstreamHeaders ??= upstreamHeaders(exchange, this.#workloadToken.current());
    tellTimeLeft(exchange, exchange.upstreamHeaders);
    if (route.mirrors !== undefined && exchange.attempts === 1 && exchange.refused === 0)
      this.#mirrors.send(exchange, route.mirrors);
    if (route.attemptTimeoutMs !== undefined) this.#boundAttempt(exchange, route.attemptTimeoutMs);
    this.#send(exchange, endpoint, exchange.upstreamHeaders);
  }

  #send(exchange: Exchange, endpoint: Endpoint, headers: string[]): void {
    if (exchange.upgradeHead !== undefined) {
      const attempt = new WebSocketForward(exchange, endpoint, this);
      exchange.forwarding = attempt;
      attempt.send(headers);
    } else if (usesHttp2(exchange)) {
      const attempt = new Http2Forward(exchange, endpoint, this);
      exchange.forwarding = attempt;
      attempt.send(headers, exchange.upstreamHost);
    } else {
      const attempt = new Http1Forward(exchange, endpoint, this);
      exchange.forwarding = attempt;
      attempt.send(headers, this.#body(exchange, exchange.route as Route));
    }
  }

  #body(exchange: Exchange, route: Route): Buffer | BodyLimit | undefined {
    if (!exchange.downstream.hasBody) return undefined;
    if (exchange.bufferedBody !== undefined) return exchange.bufferedBody;
    return { bytesMax: exchange.streaming ? Number.POSITIVE_INFINITY : route.maxBodyBytes };
  }

  #boundAttempt(exchange: Exchange, timeoutMs: number): void {
    clearTimeout(exchange.attemptTimer);
    exchange.attemptTimer = setTimeout(() => {
      if (exchange.ended || exchange.openEnded) return;
      const forwarding = exchange.forwarding;
      exchange.forwarding = undefined;
      forwarding?.cancel();
      if (exchange.downstream.headersSent || !this.#mayRetry(exchange)) refuse(exchange, refusals.deadline);
      else this.#retry(exchange);
    }, timeoutMs);
  }

  /** Whether the route wants another attempt, and what was sent can be sent again. */
  #mayRetry(exchange: Exchange): boolean {
    const { retry } = exchange.route as Route;
    if (retry === undefined || exchange.attempts > retry.attempts || exchange.upgradeHead !== undefined) return false;
    return !exchange.downstream.hasBody || exchange.bufferedBody !== undefined;
  }

  #retry(exchange: Exchange): void {
    const { retry } = exchange.route as Route;
    exchange.forwarding = undefined;
    clearTimeout(exchange.attemptTimer);
    exchange.attemptTimer = setTimeout(() => this.#attempt(exchange), retry?.backoffMs ?? 0);
  }

  answered(exchange: Exchange, endpoint: Endpoint, status: number, headers: DownstreamHeaders): boolean {
    // What a service does not answer in the time that its caller leaves it says nothing about it.
    const isCallersHaste = status === 504 && Number.isFinite(exchange.deadlineMs);
    if (status >= 502 && status <= 504 && !isCallersHaste) {
      this.#metrics.upstreamFailed(endpoint.service, "status");
      this.#upstreams.failed(endpoint, exchange.attemptMs);
    } else this.#upstreams.succeeded(endpoint, exchange.attemptMs);
    if ((exchange.route as Route).retry?.codes.includes(status) && this.#mayRetry(exchange)) {
      this.#retry(exchange);
      return false;
    }
    exchange.keptBody?.forget();
    exchange.status = status;
    exchange.grpcStatus = headers.grpcStatus;
    exchange.openEnded = exchange.streaming || headers.contentLength < 0;
    exchange.touch();
    return true;
  }

  failed(exchange: Exchange, endpoint: Endpoint, err: Error, sent: boolean): void {
    const refusal = bodyRefusal(err);
    if (refusal !== undefined) {
      refuse(exchange, refusal);
      return;
    }
    // Neither says that the instance is not well.
    const isFull = err instanceof StreamsFull;
    const isRefused = err instanceof StreamRefused;
    if (isFull || isRefused) this.#metrics.upstreamFailed(endpoint.service, isFull ? "full" : "refused");
    else {
      this.#metrics.upstreamFailed(endpoint.service, sent ? "broken" : "connect");
      this.#upstreams.failed(endpoint, exchange.attemptMs);
    }
    if (exchange.ended) return;
    if (exchange.downstream.headersSent) {
      exchange.reason = "UPSTREAM_BROKE_OFF";
      exchange.downstream.abort();
    } else if (isRefused ? this.#mayOpenAgain(exchange) : this.#mayAttemptAgain(exchange, sent)) {
      exchange.failed = isFull ? refusals.upstreamFull : refusals.connectFailed;
      // Refused streams are opened again on another connection, to the same instance if there is no other.
      if (isRefused) exchange.attempts--;
      if (isRefused || sent) this.#attempt(exchange);
      else this.#passOver(exchange, endpoint);
    } else refuse(exchange, sent ? refusals.upstreamFailed : isFull ? refusals.upstreamFull : refusals.connectFailed);
  }

  #mayOpenAgain(exchange: Exchange): boolean {
    return ++exchange.refused < refusedMax && hasBodyStill(exchange);
  }

  #mayAttemptAgain(exchange: Exchange, sent: boolean): boolean {
    if (!hasBodyStill(exchange)) return false;
    if (!sent || (exchange.attempts - exchange.unreached < attemptsMax && isRepeatable(exchange))) return true;
    return this.#mayRetry(exchange);
  }

  #passOver(exchange: Exchange, endpoint: Endpoint): void {
    exchange.unreachable = [...exchange.unreachable, endpoint];
    exchange.unreached++;
    this.#searchOn(exchange, true);
  }

  /** Full ones were waited for already. */
  #searchOn(exchange: Exchange, anyUntried: boolean): void {
    const nowMs = exchange.nowMs();
    exchange.search ??= new Search(exchange.attemptMs);
    const failed = exchange.failed ?? refusals.connectFailed;
    const isFull = failed === refusals.upstreamFull && !anyUntried;
    const waitMs = isFull ? undefined : exchange.search.next(anyUntried, nowMs);
    if (waitMs === undefined) refuse(exchange, failed);
    else if (waitMs === 0) this.#attempt(exchange);
    else {
      exchange.unreachable = [];
      exchange.forwarding = undefined;
      clearTimeout(exchange.attemptTimer);
      exchange.attemptTimer = setTimeout(() => this.#attempt(exchange), waitMs);
    }
  }
}

/** What a first attempt took of the caller's body is kept, or there was none. */
const hasBodyStill = ({ requestBytes, bufferedBody, keptBody }: Exchange): boolean =>
  requestBytes === 0 || bufferedBody !== undefined || keptBody?.isWhole === true;

function rewrite(exchange: Exchange, { hostname, path }: Rewrite): void {
  if (hostname !== undefined) exchange.rewrittenHost = hostname;
  if (path !== undefined) exchange.rewrittenPath = changePath(exchange.path, path, exchange.route as Route);
}

/** Set when the caller's body is what went wrong. */
function bodyRefusal(err: Error): Refusal | undefined {
  if (err instanceof BodyTooLarge) return refusals.bodyTooLarge;
  if (err instanceof BodyIncomplete) return refusals.requestIncomplete;
  return err instanceof BodyMalformed ? badRequest(err.message) : undefined;
}

/** gRPC needs trailers, and streams of Connect and gRPC-web both directions at once: only HTTP/2 has them. */
function usesHttp2({ backend, downstream, kind }: Exchange): boolean {
  if (backend?.protocol === "h2c") return true;
  if (downstream.version !== "2") return false;
  // A service that may know HTTP/1.1 only gets what can be said in it.
  return kind === "grpc" || kind === "connect-stream" || (kind === "grpc-web" && backend?.protocol !== "http1");
}

function isRepeatable(exchange: Exchange): boolean {
  return (exchange.method === "GET" || exchange.method === "HEAD") && !exchange.downstream.hasBody;
}
