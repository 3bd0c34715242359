import type { IncomingMessage, ServerResponse } from "node:http";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { NodeSDK } from "@opentelemetry/sdk-node";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import { cellHistograms } from "./cell-histogram.ts";

export interface TelemetryOptions {
  service: string;
  version: string;
  instanceId: string;
  /** Base URL of an OTLP/HTTP receiver, for example http://collector:4318. Absent: spans only carry ids into logs. */
  otlpEndpoint: string | undefined;
  /** Share of new traces that are exported, 0 to 1. */
  traceRatio: number;
}

export interface Telemetry {
  /** Answers with all metrics in the Prometheus text format. */
  metricsHandler(request: IncomingMessage, response: ServerResponse): void;
  shutdown(): Promise<void>;
}

/** Sets the process's global tracer, meter and W3C propagator (OpenTelemetry keeps them global by design). */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const prometheus = new PrometheusExporter({
    preventServerStart: true,
    withoutTargetInfo: false,
    withoutScopeInfo: true,
    metricProducers: [cellHistograms],
  });
  const sdk = new NodeSDK({
    autoDetectResources: false,
    resource: resourceFromAttributes({
      "service.name": options.service,
      "service.version": options.version,
      "service.instance.id": options.instanceId,
    }),
    metricReaders: [prometheus],
    logRecordProcessors: [],
    spanProcessors: [
      options.otlpEndpoint
        ? new BatchSpanProcessor({
            exporter: new OTLPTraceExporter({ url: `${options.otlpEndpoint.replace(/\/$/, "")}/v1/traces` }),
          })
        : discardSpans,
    ],
    sampler: new ParentBasedSampler({
      root: new TraceIdRatioBasedSampler(options.otlpEndpoint ? options.traceRatio : 0),
    }),
  });
  sdk.start();
  return {
    metricsHandler: (request, response) => prometheus.getMetricsRequestHandler(request, response),
    shutdown: () => sdk.shutdown(),
  };
}

/** Keeps trace ids flowing into logs and calls when nothing collects the spans. */
const discardSpans: SpanProcessor = {
  onStart() {},
  onEnd() {},
  forceFlush: async () => {},
  shutdown: async () => {},
};
