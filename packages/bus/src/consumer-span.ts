import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { BusMessage } from "./bus.ts";

const tracer = trace.getTracer("plinth.bus");

/**
 * Does the work of one delivery in a span of the trace in which the event came to be, so that one trace goes from the request to
 * everything that followed from it. Names and attributes: OpenTelemetry's conventions for messaging.
 */
export async function inConsumerSpan<T>(message: BusMessage, group: string, work: () => Promise<T>): Promise<T> {
  const carrier = message.traceparent === undefined ? {} : { traceparent: message.traceparent };
  const parent = propagation.extract(context.active(), carrier);
  const attributes = {
    "messaging.operation.type": "process",
    "messaging.destination.name": message.topic,
    "messaging.consumer.group.name": group,
    "messaging.message.id": message.id,
    "plinth.request_id": message.requestId,
  };
  const options = { kind: SpanKind.CONSUMER, attributes };
  return tracer.startActiveSpan(`process ${message.topic}`, options, parent, async (span) => {
    try {
      return await work();
    } catch (err) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw err;
    } finally {
      span.end();
    }
  });
}
