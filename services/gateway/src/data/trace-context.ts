import { propagation, ROOT_CONTEXT, type Span, SpanKind, type Tracer } from "@opentelemetry/api";
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
  const span = tracer.startSpan("gateway", { kind: SpanKind.SERVER }, base);
  const { traceId, spanId, traceFlags } = span.spanContext();
  if (traceId === zeroTrace) passTrace(exchange, incoming, random);
  else {
    exchange.traceId = traceId;
    exchange.traceparent = `00-${traceId}-${spanId}-0${traceFlags & 1}`;
  }
  return span;
}

/** Nobody hears of a span of ours: what the caller sent goes on as it is, or the beginning of a trace. */
function passTrace(exchange: Exchange, incoming: string, random: RandomHex): void {
  const found = incoming === "" ? null : parent.exec(incoming);
  exchange.traceId = found?.[1] ?? random.take(32);
  exchange.traceparent = found === null ? `00-${exchange.traceId}-${random.take(16)}-00` : incoming;
}
