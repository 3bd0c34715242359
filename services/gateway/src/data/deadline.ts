import type { Exchange } from "./exchange.ts";
import { isStreaming } from "./protocol-kind.ts";
import { refusals } from "./refusals.ts";
import { refuse } from "./respond.ts";
import type { Route } from "./route.ts";
import { callerTimeoutMs } from "./time-left.ts";

const never = Number.POSITIVE_INFINITY;

/**
 * Starts the clock of a request: one timer per request, armed anew when it fires early.
 * - A unary call has `timeoutMs` from its start to the end of its answer.
 * - A stream has `timeoutMs` from the end of its request until its answer begins, and then only the idle limit.
 * - `idleTimeoutMs` of silence in both directions ends anything.
 * - The caller's own deadline (connect-timeout-ms, grpc-timeout, x-server-timeout) is an upper bound for all.
 */
export function startDeadline(exchange: Exchange): void {
  const own = callerTimeoutMs(exchange.kind, exchange.head);
  exchange.deadlineMs = own === undefined ? never : exchange.startedMs + own;
  const route = exchange.route as Route;
  exchange.timer = setTimeout(check, Math.ceil(Math.min(own ?? never, route.timeoutMs, route.idleTimeoutMs)), exchange);
}

/** The moment at which the route's own limit for the current phase is over. */
function routeLimitMs(exchange: Exchange, timeoutMs: number): number {
  if (exchange.openEnded) return never;
  if (!isStreaming(exchange.kind)) return exchange.startedMs + timeoutMs;
  const sending = exchange.downstream.hasBody && !exchange.downstream.bodyEnded;
  return sending ? never : exchange.activeMs + timeoutMs;
}

function check(exchange: Exchange): void {
  if (exchange.ended) return;
  const { timeoutMs, idleTimeoutMs } = exchange.route as Route;
  const nowMs = exchange.nowMs();
  const idleAtMs = exchange.activeMs + idleTimeoutMs;
  const overAtMs = Math.min(exchange.deadlineMs, routeLimitMs(exchange, timeoutMs));
  if (nowMs < overAtMs && nowMs < idleAtMs) {
    // At least every `timeoutMs`: the phase may have changed by then.
    const waitMs = Math.min(overAtMs - nowMs, idleAtMs - nowMs, timeoutMs);
    exchange.timer = setTimeout(check, Math.ceil(waitMs), exchange);
    return;
  }
  const forwarding = exchange.forwarding;
  exchange.forwarding = undefined;
  forwarding?.cancel();
  refuse(exchange, nowMs >= overAtMs ? refusals.deadline : refusals.idle);
}
