import {
  type Context,
  type LogRecord,
  logs,
  ROOT_CONTEXT,
  SeverityNumber,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import type { WriteLine } from "./line-writer.ts";

const severities: Readonly<Record<string, SeverityNumber>> = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
};

/**
 * Hands each log line to OpenTelemetry as well. Lines are taken as they are written, after secrets were left out, so that
 * the receiver has exactly what standard output has; what the resource says already is not repeated.
 */
export function alsoToOtlp(write: WriteLine): WriteLine {
  return (line) => {
    write(line);
    // Asked for late: telemetry starts after the first logger is made.
    logs.getLogger("plinth").emit(recordOf(JSON.parse(line) as Record<string, unknown>));
  };
}

function recordOf(line: Record<string, unknown>): LogRecord {
  const { level, time, msg, service: _, instance: __, trace_id: traceId, span_id: spanId, ...attributes } = line;
  return {
    timestamp: new Date(String(time)),
    severityText: String(level),
    severityNumber: severities[String(level)] ?? SeverityNumber.UNSPECIFIED,
    body: String(msg),
    attributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [
        name,
        typeof value === "object" ? JSON.stringify(value) : (value as string | number | boolean),
      ]),
    ),
    context: contextOf(traceId, spanId),
  };
}

function contextOf(traceId: unknown, spanId: unknown): Context {
  if (typeof traceId !== "string" || typeof spanId !== "string") return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.NONE });
}
