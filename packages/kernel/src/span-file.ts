import { appendFile, mkdir, rename, stat } from "node:fs/promises";
import path from "node:path";
import { type HrTime, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import { systemClock } from "./clock.ts";
import type { Logger } from "./logger.ts";

/** A finished span as it stands in a span file. */
export interface WrittenSpan {
  trace: string;
  span: string;
  /** Absent for the first span of a trace. */
  parent?: string;
  service: string;
  instance: string;
  name: string;
  kind: "internal" | "server" | "client" | "producer" | "consumer";
  /** Milliseconds since 1970, with a fraction. */
  startMs: number;
  durationMs: number;
  /** Present when it failed: what is known of it. */
  error?: string;
  attributes: Record<string, unknown>;
  /** Spans of other traces that this one has to do with. */
  links?: { trace: string; span: string }[];
}

export interface SpanFileOptions {
  file: string;
  logger: Logger;
  maxBytes?: number;
}

/** A file that is full becomes FILE.1, and the one before is gone: the newest spans stay, in bounded space. */
const fileMaxBytes = 4 * 1024 * 1024;
/** What waits to be written at most; a disk that is slower loses spans, and requests do not wait for it. */
const waitingMaxBytes = 1024 * 1024;
const flushMs = 100;

/** Writes finished spans to a file, for `plinth trace`: a trace of one machine needs no other program. */
export function createSpanFile({ file, logger, maxBytes = fileMaxBytes }: SpanFileOptions): SpanProcessor {
  let waiting: string[] = [];
  let waitingBytes = 0;
  let due = false;
  let writing: Promise<void> = Promise.resolve();
  let sizeBytes: number | undefined;
  let said = false;

  async function write(): Promise<void> {
    const lines = waiting.join("");
    const bytes = waitingBytes;
    waiting = [];
    waitingBytes = 0;
    if (lines === "") return;
    try {
      if (sizeBytes === undefined) {
        await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
        sizeBytes = await stat(file).then(
          ({ size }) => size,
          () => 0,
        );
      }
      if (sizeBytes > 0 && sizeBytes + bytes > maxBytes) {
        await rename(file, `${file}.1`);
        sizeBytes = 0;
      }
      await appendFile(file, lines, { mode: 0o600 });
      sizeBytes += bytes;
    } catch (err) {
      if (!said) logger.warn({ err, file }, "spans cannot be written");
      said = true;
    }
  }

  const flush = (): Promise<void> => {
    due = false;
    writing = writing.then(write);
    return writing;
  };

  return {
    onStart() {},
    onEnd(span) {
      if (waitingBytes >= waitingMaxBytes) return;
      const line = `${JSON.stringify(written(span))}\n`;
      waiting.push(line);
      waitingBytes += Buffer.byteLength(line);
      if (due) return;
      due = true;
      void systemClock.sleep(flushMs).then(flush);
    },
    forceFlush: flush,
    shutdown: flush,
  };
}

const kinds = {
  [SpanKind.INTERNAL]: "internal",
  [SpanKind.SERVER]: "server",
  [SpanKind.CLIENT]: "client",
  [SpanKind.PRODUCER]: "producer",
  [SpanKind.CONSUMER]: "consumer",
} as const;

function written(span: ReadableSpan): WrittenSpan {
  const { traceId, spanId } = span.spanContext();
  const resource = span.resource.attributes;
  return {
    trace: traceId,
    span: spanId,
    ...(span.parentSpanContext === undefined ? {} : { parent: span.parentSpanContext.spanId }),
    service: String(resource["service.name"]),
    instance: String(resource["service.instance.id"]),
    name: span.name,
    kind: kinds[span.kind],
    startMs: milliseconds(span.startTime),
    durationMs: milliseconds(span.duration),
    ...(span.status.code === SpanStatusCode.ERROR ? { error: span.status.message ?? "" } : {}),
    attributes: span.attributes,
    ...(span.links.length === 0
      ? {}
      : { links: span.links.map(({ context }) => ({ trace: context.traceId, span: context.spanId })) }),
  };
}

/** With the microseconds that matter, and not more digits than those. */
const milliseconds = ([seconds, nanos]: HrTime): number => Math.round(seconds * 1e6 + nanos / 1e3) / 1e3;
