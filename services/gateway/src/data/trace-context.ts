import { propagation, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import type { Exchange } from "./exchange.ts";
import type { RandomHex } from "./random-hex.ts";

const zeroTrace = "00000000000000000000000000000000";
const parent = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

const getter = {
  keys: () => ["traceparent"],
  get: (exchange: Exchange, name: string) => (name === "traceparent" ? exchange.head.traceparent : undefined),
};

/**
 * Continues the caller's trace or starts one, and sets the `traceparent` that goes upstream. Without a tracer, or where
 * no telemetry was set up, ids are still made, so that logs of all services can be joined.
 */
export function startTrace(exchange: Exchange, tracer: Tracer | undefined, random: RandomHex): Span | undefined {
  const incoming = exchange.head.traceparent;
  if (tracer === undefined) {
    passTrace(exchange, incoming, random);
    return undefined;
  }
  const base = incoming === "" ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, exchange, getter);
  const span = tracer.startSpan(exchange.method, { kind: SpanKind.SERVER }, base);
  const { traceId, spanId, traceFlags } = span.spanContext();
  if (traceId === zeroTrace) passTrace(exchange, incoming, random);
  else {
    exchange.traceId = traceId;
    exchange.traceparent = `00-${traceId}-${spanId}-0${traceFlags & 1}`;
  }
  return span;
}

/** Says in the span what became of the request, and ends it. Names: OpenTelemetry's conventions for HTTP; no query, no headers. */
export function endTrace(exchange: Exchange, complete: boolean): void {
  const { span, route, endpoint, caller, grpcStatus } = exchange;
  if (span === undefined) return;
  if (span.isRecording()) {
    if (route !== undefined) span.updateName(`${exchange.method} ${route.id}`);
    span.setAttributes({
      "http.request.method": exchange.method,
      "url.path": exchange.path,
      "http.response.status_code": exchange.status,
      "plinth.request_id": exchange.requestId,
      "plinth.attempts": exchange.attempts,
      "client.address": exchange.address,
      ...(route === undefined ? {} : { "http.route": route.id, "plinth.target": route.service }),
      ...(endpoint === undefined ? {} : { "server.address": endpoint.authority }),
      ...(caller.subject === "" ? {} : { "user.id": caller.subject }),
      ...(grpcStatus === "" || grpcStatus === "0" ? {} : { "rpc.response.status_code": grpcStatus }),
      ...(exchange.reason === "" ? {} : { "error.type": exchange.reason }),
    });
    if (exchange.status >= 500 || !complete)
      span.setStatus({ code: SpanStatusCode.ERROR, message: complete ? exchange.reason : "not answered to its end" });
  }
  span.end();
}

/** Nobody hears of a span of ours: what the caller sent goes on as it is, or the beginning of a trace. */
function passTrace(exchange: Exchange, incoming: string, random: RandomHex): void {
  const found = incoming === "" ? null : parent.exec(incoming);
  exchange.traceId = found?.[1] ?? random.take(32);
  exchange.traceparent = found === null ? `00-${exchange.traceId}-${random.take(16)}-00` : incoming;
}

/** What joins a log line with those of other services, under the same names as there. */
export const idsOf = ({ requestId, traceId, traceparent }: Exchange) => ({
  request_id: requestId,
  trace_id: traceId,
  span_id: spanIdOf(traceparent),
});

/** Of a traceparent: 00-TRACE-SPAN-FLAGS. */
export const spanIdOf = (traceparent: string): string => traceparent.slice(36, 52);
