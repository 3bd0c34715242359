import type { Tracer } from "@opentelemetry/api";
import type { Clock, Logger, Random } from "@plinth/kernel";
import type { AccessTokenVerifier } from "@plinth/rpc";
import { accept, isSaneRequestId } from "./accept.ts";
import { authenticate } from "./authenticate.ts";
import { plainAddress, rateLimitAddress, type TrustedProxies } from "./client-address.ts";
import { isPreflight, preflightHeaders } from "./cors.ts";
import { startDeadline } from "./deadline.ts";
import type { Exchange } from "./exchange.ts";
import type { Forwarder } from "./forward.ts";
import type { GatewayMetrics } from "./metrics.ts";
import { RandomHex } from "./random-hex.ts";
import type { RateLimitDecision, RateLimiter } from "./rate-limiter.ts";
import { redirectLocation } from "./redirect.ts";
import { type Refusal, refusals } from "./refusals.ts";
import { RequestIds } from "./request-ids.ts";
import { answerPreflight, answerRedirect, refuse } from "./respond.ts";
import type { Route } from "./route.ts";
import { idsOf, startTrace } from "./trace-context.ts";

/** `next`: on to the next layer. `done`: the layer answered or took over. A refusal is answered in one place. */
type Outcome = "next" | "done" | Refusal;
type Layer = (exchange: Exchange) => Outcome | Promise<Outcome>;

export interface PipelineOptions {
  verifier: AccessTokenVerifier;
  limiter: RateLimiter;
  forwarder: Forwarder;
  trustedProxies: TrustedProxies;
  metrics: GatewayMetrics;
  /** Absent: nobody collects spans. */
  tracer: Tracer | undefined;
  clock: Clock;
  random: Random;
  logger: Logger;
}

/** The way of one request through the gateway. Read `#layers`: that list, in that order, is what happens. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #layers: readonly Layer[];
  readonly #hex: RandomHex;
  readonly #requestIds: RequestIds;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#hex = new RandomHex(options.random);
    this.#requestIds = new RequestIds(options.clock, this.#hex);
    this.#layers = [
      // An id for the request, the trace it belongs to, the address it came from.
      (exchange) => this.#identify(exchange),
      // Refuses what is malformed or ambiguous; from here on path and host have one meaning.
      (exchange) => accept(exchange) ?? "next",
      // grpc.health.v1 and grpc.reflection.v1 of the gateway itself.
      (exchange) => this.#local(exchange),
      // The route, and with it everything configured for this path.
      (exchange) => this.#match(exchange),
      // Preflights are answered here, before anybody asks for a token: browsers send none with them.
      (exchange) => this.#preflight(exchange),
      // Time starts to count.
      (exchange) => this.#startDeadline(exchange),
      // Who calls.
      (exchange) => this.#authenticate(exchange),
      // How often they may.
      (exchange) => this.#limit(exchange),
      // Sends the caller elsewhere.
      (exchange) => this.#redirect(exchange),
      // Picks an endpoint and streams both ways.
      (exchange) => this.#forward(exchange),
    ];
  }

  run(exchange: Exchange, from = 0): void {
    try {
      for (let i = from; i < this.#layers.length; i++) {
        const outcome = (this.#layers[i] as Layer)(exchange);
        if (outcome === "next") continue;
        if (outcome instanceof Promise) this.#continue(exchange, outcome, i + 1);
        else if (outcome !== "done") refuse(exchange, outcome);
        return;
      }
    } catch (err) {
      this.#fail(exchange, err);
    }
  }

  #continue(exchange: Exchange, pending: Promise<Outcome>, next: number): void {
    pending.then(
      (outcome) => {
        if (exchange.ended) return;
        if (outcome === "next") this.run(exchange, next);
        else if (outcome !== "done") refuse(exchange, outcome);
      },
      (err: unknown) => this.#fail(exchange, err),
    );
  }

  #fail(exchange: Exchange, err: unknown): void {
    this.#options.logger.error({ err, ...idsOf(exchange), path: exchange.path }, "request failed");
    refuse(exchange, refusals.internal);
  }

  #identify(exchange: Exchange): Outcome {
    const { head, downstream } = exchange;
    const { tracer, trustedProxies } = this.#options;
    exchange.requestId = isSaneRequestId(head.requestId) ? head.requestId : this.#requestIds.next();
    exchange.span = startTrace(exchange, tracer, this.#hex);
    const peer = plainAddress(downstream.remoteAddress);
    const trusted = trustedProxies.trusts(peer);
    exchange.address = trusted ? trustedProxies.clientAddress(peer, head.forwardedFor) : peer;
    head.forwardedFor = trusted && head.forwardedFor !== "" ? `${head.forwardedFor}, ${peer}` : peer;
    if (!trusted || (head.forwardedProto !== "http" && head.forwardedProto !== "https"))
      head.forwardedProto = downstream.secure ? "https" : "http";
    if (!trusted || head.forwardedHost === "") head.forwardedHost = head.host;
    return "next";
  }

  #local(exchange: Exchange): Outcome {
    const { local, localLast } = exchange.entrance;
    return !localLast && local(exchange) ? "done" : "next";
  }

  #match(exchange: Exchange): Outcome {
    const { entrance, downstream } = exchange;
    const table = entrance.table();
    if (downstream.secure && table.isMisdirected(downstream.serverName, exchange.host)) return refusals.misdirected;
    const route = table.match(exchange.host, exchange);
    if (route === undefined) {
      const isOwn = (entrance.localLast && entrance.local(exchange)) || entrance.documents?.(exchange);
      return isOwn ? "done" : refusals.noRoute;
    }
    exchange.route = route;
    if (route.invalid !== undefined) return refusals.routeInvalid;
    return exchange.upgradeHead !== undefined && !route.websocket ? refusals.websocketOff : "next";
  }

  #preflight(exchange: Exchange): Outcome {
    const cors = exchange.route?.cors;
    if (cors === undefined || !isPreflight(exchange)) return "next";
    answerPreflight(exchange, preflightHeaders(cors, exchange.head));
    return "done";
  }

  #startDeadline(exchange: Exchange): Outcome {
    startDeadline(exchange);
    return "next";
  }

  #authenticate(exchange: Exchange): Outcome | Promise<Outcome> {
    const refusal = authenticate(exchange, this.#options.verifier);
    if (refusal === undefined) return "next";
    return refusal instanceof Promise ? refusal.then((found) => found ?? "next") : refusal;
  }

  #limit(exchange: Exchange): Outcome | Promise<Outcome> {
    const policy = exchange.route?.rateLimit;
    if (policy === undefined) return "next";
    const byCaller = policy.key === "Principal" && exchange.caller.kind === "token";
    const key = byCaller ? `p ${exchange.caller.subject}` : `a ${rateLimitAddress(exchange.address)}`;
    const decision = this.#options.limiter.take(policy, key, this.#options.clock.monotonicMs());
    return decision instanceof Promise
      ? decision.then((made) => this.#decided(exchange, made))
      : this.#decided(exchange, decision);
  }

  #decided(exchange: Exchange, decision: RateLimitDecision): Outcome {
    exchange.rateLimit = decision;
    if (decision.allowed) return "next";
    this.#options.metrics.rateLimited((exchange.route as Route).id);
    const retryAfterSeconds = Math.max(1, Math.ceil(decision.retryAfterMs / 1000));
    return { ...refusals.rateLimited, retryAfterSeconds };
  }

  #redirect(exchange: Exchange): Outcome {
    const redirect = exchange.route?.redirect;
    if (redirect === undefined) return "next";
    answerRedirect(exchange, redirect.status, redirectLocation(exchange, redirect));
    return "done";
  }

  #forward(exchange: Exchange): Outcome {
    this.#options.forwarder.forward(exchange);
    return "done";
  }
}
