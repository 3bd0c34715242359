import { context, propagation, ROOT_CONTEXT, type Span, SpanKind, type Tracer, trace } from "@opentelemetry/api";
import type { Random } from "@plinth/kernel";
import type { Exchange } from "./exchange.ts";

const zeroTrace = "00000000000000000000000000000000";
const parent = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

const getter = {
  keys: () => ["traceparent"],
  get: (exchange: Exchange, name: string) => (name === "traceparent" ? exchange.head.traceparent : undefined),
};

/**
 * Continues the caller's trace or starts one, and sets the `traceparent` that goes upstream. Without a tracer
 * (no telemetry set up) ids are still made, so that logs of all services can be joined.
 */
export function startTrace(exchange: Exchange, tracer: Tracer, random: Random): Span {
  const incoming = exchange.head.traceparent;
  const base = incoming === "" ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, exchange, getter);
  const span = tracer.startSpan("gateway", { kind: SpanKind.SERVER }, base);
  const { traceId, spanId, traceFlags } = span.spanContext();
  if (traceId !== zeroTrace) {
    exchange.traceId = traceId;
    exchange.traceparent = `00-${traceId}-${spanId}-0${traceFlags & 1}`;
  } else {
    const found = parent.exec(incoming);
    exchange.traceId = found?.[1] ?? hex(random, 16);
    exchange.traceparent = found === null ? `00-${exchange.traceId}-${hex(random, 8)}-00` : incoming;
  }
  return span;
}

const hex = (random: Random, bytes: number): string => Buffer.from(random.bytes(bytes)).toString("hex");

/** Runs `work` with the exchange's span active, so that what it logs carries the trace id. */
export function withSpan<T>(span: Span, work: () => T): T {
  return context.with(trace.setSpan(ROOT_CONTEXT, span), work);
}
