import { context, type Span, type SpanOptions, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";

/** What is needed to begin a span; asked for only when somebody will see it. */
export interface SpanDescription extends SpanOptions {
  name: string;
}

/** The active span when it records; undefined when whatever happens now is not part of a sampled trace. */
export function recordingSpan(): Span | undefined {
  const active = trace.getActiveSpan();
  return active?.isRecording() ? active : undefined;
}

/**
 * Does work in a span of its own below the active one. Where that does not record, the work is just done: a request that
 * is not sampled, and what runs in the background, pay for one look. `failed` adds to the span what an error tells.
 */
export function inChildSpan<T>(
  tracer: Tracer,
  describe: () => SpanDescription,
  work: (span: Span | undefined) => Promise<T>,
  failed?: (span: Span, err: unknown) => void,
): Promise<T> {
  if (recordingSpan() === undefined) return work(undefined);
  const { name, ...options } = describe();
  const span = tracer.startSpan(name, options);
  return context.with(trace.setSpan(context.active(), span), () => endingSpan(span, work, failed));
}

async function endingSpan<T>(
  span: Span,
  work: (span: Span) => Promise<T>,
  failed: ((span: Span, err: unknown) => void) | undefined,
): Promise<T> {
  try {
    return await work(span);
  } catch (err) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: (err as Error | undefined)?.message ?? "" });
    failed?.(span, err);
    throw err;
  } finally {
    span.end();
  }
}
