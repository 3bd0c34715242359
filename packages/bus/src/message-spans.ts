import { type Context, context, propagation, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { systemClock, withRequestId } from "@plinth/kernel";
import type { BusMessage } from "./bus.ts";

const tracer = trace.getTracer("plinth.bus");

/**
 * Does the work of one delivery in a span of the trace in which the event came to be, so that one trace goes from the request to
 * everything that followed from it. Names and attributes: OpenTelemetry's conventions for messaging.
 */
export function inConsumerSpan<T>(message: BusMessage, group: string, work: () => Promise<T>): Promise<T> {
  const span = startSpan(message, group);
  const parent = withRequestId(parentOf(message), message.requestId);
  return context.with(trace.setSpan(parent, span), () => ended([span], work));
}

/**
 * As `inConsumerSpan` for several at once: each has its span in its own trace, and all of them last as long as the work. What
 * the work does stands below the first one that is recorded; the others link to it.
 */
export function inConsumerSpans<T>(messages: readonly BusMessage[], group: string, work: () => Promise<T>): Promise<T> {
  let first: Span | undefined;
  const spans = messages.map((message) => {
    const span = startSpan(message, group, { together: messages.length, first });
    if (span.isRecording()) first ??= span;
    return span;
  });
  if (first === undefined) return ended(spans, work);
  return context.with(trace.setSpan(context.active(), first), () => ended(spans, work));
}

async function ended<T>(spans: readonly Span[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (err) {
    for (const span of spans)
      span.setStatus({ code: SpanStatusCode.ERROR, message: (err as Error | undefined)?.message ?? "" });
    throw err;
  } finally {
    for (const span of spans) span.end();
  }
}

interface Batch {
  together: number;
  /** The recorded span under which the work of all stands. */
  first: Span | undefined;
}

function startSpan(message: BusMessage, group: string, batch?: Batch): Span {
  const attributes = {
    "messaging.operation.type": "process",
    "messaging.operation.name": "process",
    "messaging.destination.name": message.topic,
    "messaging.consumer.group.name": group,
    "messaging.message.id": message.id,
    "plinth.request_id": message.requestId,
    "plinth.event.type": message.type,
    ...(batch === undefined ? {} : { "messaging.batch.message_count": batch.together }),
  };
  const links = batch?.first === undefined ? [] : [{ context: batch.first.spanContext() }];
  return tracer.startSpan(
    `process ${message.topic}`,
    { kind: SpanKind.CONSUMER, attributes, links },
    parentOf(message),
  );
}

const parentOf = ({ traceparent }: Pick<BusMessage, "traceparent">): Context =>
  propagation.extract(context.active(), traceparent === undefined ? {} : { traceparent });

/** The last two digits of a traceparent are its flags, of which the lowest says whether it is recorded. */
const isSampled = (traceparent: string | undefined): boolean =>
  traceparent !== undefined && (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1;

/**
 * Publishes messages; those whose trace is recorded get a span "send" in it, below what caused them, and what consumers do stands
 * below that. The span begins with the try that worked, not with the wait in the outbox, which it names.
 */
export async function inSendSpans<M extends BusMessage>(
  messages: readonly M[],
  publish: (messages: readonly M[]) => Promise<void>,
): Promise<void> {
  const spans: Span[] = [];
  const sent = messages.map((message) => {
    if (!isSampled(message.traceparent)) return message;
    const attributes = {
      "messaging.operation.type": "send",
      "messaging.operation.name": "send",
      "messaging.destination.name": message.topic,
      "messaging.message.id": message.id,
      "messaging.message.body.size": message.data.byteLength,
      "messaging.batch.message_count": messages.length,
      "plinth.request_id": message.requestId,
      "plinth.event.type": message.type,
    };
    const parent = parentOf(message);
    const span = tracer.startSpan(`send ${message.topic}`, { kind: SpanKind.PRODUCER, attributes }, parent);
    if (!span.isRecording()) return message;
    span.setAttribute("plinth.outbox.wait_ms", Math.max(0, systemClock.now() - message.time.getTime()));
    spans.push(span);
    const carrier: { traceparent?: string } = {};
    propagation.inject(trace.setSpan(parent, span), carrier);
    return carrier.traceparent === undefined ? message : { ...message, traceparent: carrier.traceparent };
  });
  await ended(spans, () => publish(sent));
}
