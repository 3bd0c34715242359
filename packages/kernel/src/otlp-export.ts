import { metrics } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchLogRecordProcessor, type LogRecordProcessor } from "@opentelemetry/sdk-logs";
import { type IMetricReader, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, type SpanProcessor } from "@opentelemetry/sdk-trace";
import { cellHistograms } from "./cell-histogram.ts";
import type { Logger } from "./logger.ts";

export const otlpSignals = ["traces", "metrics", "logs"] as const;
export type OtlpSignal = (typeof otlpSignals)[number];

export interface OtlpExportOptions {
  /** Base URL of a receiver of OTLP over HTTP with protobuf. */
  endpoint: string;
  signals: readonly OtlpSignal[];
  logger: Logger;
}

/** Parts for the SDK; undefined for signals that are not sent. */
export interface OtlpExport {
  spans: SpanProcessor | undefined;
  metricReaders: readonly IMetricReader[];
  logs: LogRecordProcessor | undefined;
  /** To be called once the SDK has set the global meter, which the queues count with; until then they take nothing. */
  started(): void;
}

/** Spans and log lines that wait for the receiver at most; what comes on top is dropped and counted. */
const queueMax = 4_096;
const batchMax = 512;
/** One attempt to deliver a batch with its repetitions; the next batch waits meanwhile. */
const deliveryMaxMs = 10_000;
const metricsIntervalMs = 15_000;

/**
 * Sends traces, metrics and log lines to one receiver. Whoever makes them never waits for it: they lie in queues of bounded
 * size. A receiver that is away, slow or refuses is told of in the log once, and once when it takes things again; what is
 * lost is counted as otel.sdk.processor.*.processed with an error.type.
 */
export function createOtlpExport({ endpoint, signals, logger }: OtlpExportOptions): OtlpExport {
  const base = endpoint.replace(/\/$/, "");
  const report = createReport(endpoint, logger);
  const settings = (signal: OtlpSignal) => ({ url: `${base}/v1/${signal}`, timeoutMillis: deliveryMaxMs });
  const queue = { maxQueueSize: queueMax, maxExportBatchSize: batchMax, exportTimeoutMillis: deliveryMaxMs + 1_000 };
  const spans = createLate<BatchSpanProcessor>();
  const logs = createLate<BatchLogRecordProcessor>();
  return {
    spans: signals.includes("traces")
      ? {
          onStart() {},
          onEnd: (span) => spans.now?.onEnd(span),
          forceFlush: async () => spans.now?.forceFlush(),
          shutdown: async () => spans.now?.shutdown(),
        }
      : undefined,
    logs: signals.includes("logs")
      ? {
          onEmit: (record) => logs.now?.onEmit(record),
          forceFlush: async () => logs.now?.forceFlush(),
          shutdown: async () => logs.now?.shutdown(),
        }
      : undefined,
    metricReaders: signals.includes("metrics")
      ? [
          new PeriodicExportingMetricReader({
            exporter: reporting(new OTLPMetricExporter(settings("metrics")), report),
            exportIntervalMillis: metricsIntervalMs,
            exportTimeoutMillis: deliveryMaxMs + 1_000,
            metricProducers: [cellHistograms],
          }),
        ]
      : [],
    started() {
      const selfObsMeterProvider = { getMeter: (name: string) => metrics.getMeter(name) };
      const traceExporter = () => reporting(new OTLPTraceExporter(settings("traces")), report);
      const logExporter = () => reporting(new OTLPLogExporter(settings("logs")), report);
      if (signals.includes("traces"))
        spans.now = new BatchSpanProcessor({ ...queue, selfObsMeterProvider, exporter: traceExporter() });
      if (signals.includes("logs"))
        logs.now = new BatchLogRecordProcessor({ ...queue, selfObsMeterProvider, exporter: logExporter() });
    },
  };
}

const createLate = <T>(): { now: T | undefined } => ({ now: undefined });

type Report = (result: ExportResult) => void;

/** One line when deliveries begin to fail, one when they succeed again, whatever the signal. */
function createReport(endpoint: string, logger: Logger): Report {
  let failing = false;
  return ({ code, error }) => {
    const failed = code !== ExportResultCode.SUCCESS;
    if (failed && !failing)
      logger.warn(
        { err: error, receiver: new URL(endpoint).host },
        "telemetry is not taken by its receiver, and what does not fit into the queue is dropped",
      );
    if (!failed && failing)
      logger.info({ receiver: new URL(endpoint).host }, "telemetry is taken by its receiver again");
    failing = failed;
  };
}

interface Exporter<T> {
  export(items: T, done: (result: ExportResult) => void): void;
}

/** The exporter, telling of every delivery how it ended. */
function reporting<T, E extends Exporter<T>>(exporter: E & Exporter<T>, report: Report): E {
  const deliver = exporter.export.bind(exporter);
  return Object.assign(exporter, {
    export(items: T, done: (result: ExportResult) => void): void {
      deliver(items, (result) => {
        report(result);
        done(result);
      });
    },
  });
}
