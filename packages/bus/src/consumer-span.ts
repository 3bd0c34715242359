import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { BusMessage } from "./bus.ts";

const tracer = trace.getTracer("plinth.bus");

/**
 * Does the work of one delivery in a span of the trace in which the event came to be, so that one trace goes from the request to
 * everything that followed from it. Names and attributes: OpenTelemetry's conventions for messaging.
 */
export function inConsumerSpan<T>(message: BusMessage, group: string, work: () => Promise<T>): Promise<T> {
  const span = startSpan(message, group);
  return context.with(trace.setSpan(parentOf(message), span), () => ended([span], work));
}

/** As `inConsumerSpan` for several at once: each has its span in its own trace, and all of them last as long as the work. */
export function inConsumerSpans<T>(messages: readonly BusMessage[], group: string, work: () => Promise<T>): Promise<T> {
  const spans = messages.map((message) => startSpan(message, group, messages.length));
  return ended(spans, work);
}

async function ended<T>(spans: readonly Span[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (err) {
    for (const span of spans) span.setStatus({ code: SpanStatusCode.ERROR });
    throw err;
  } finally {
    for (const span of spans) span.end();
  }
}

function startSpan(message: BusMessage, group: string, together?: number): Span {
  const attributes = {
    "messaging.operation.type": "process",
    "messaging.destination.name": message.topic,
    "messaging.consumer.group.name": group,
    "messaging.message.id": message.id,
    "plinth.request_id": message.requestId,
    ...(together === undefined ? {} : { "messaging.batch.message_count": together }),
  };
  return tracer.startSpan(`process ${message.topic}`, { kind: SpanKind.CONSUMER, attributes }, parentOf(message));
}

const parentOf = ({ traceparent }: BusMessage) =>
  propagation.extract(context.active(), traceparent === undefined ? {} : { traceparent });
