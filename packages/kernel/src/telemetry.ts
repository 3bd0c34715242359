import type { IncomingMessage, ServerResponse } from "node:http";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { NodeSDK } from "@opentelemetry/sdk-node";
import {
  AlwaysOffSampler,
  ParentBasedSampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import { cellHistograms } from "./cell-histogram.ts";
import { systemClock } from "./clock.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { createOtlpExport, type OtlpSignal } from "./otlp-export.ts";
import { createSpanFile } from "./span-file.ts";

export interface TelemetryOptions {
  service: string;
  version: string;
  instanceId: string;
  /** Namespace of the service's name: on Kubernetes the namespace it runs in. */
  namespace?: string | undefined;
  /** More attributes of the resource, for example k8s.pod.name. Those above win. */
  resource?: Readonly<Record<string, string>>;
  /** Base URL of an OTLP/HTTP receiver, for example http://collector:4318. Absent: nothing leaves the process. */
  otlpEndpoint: string | undefined;
  /** What goes to the receiver. Default: traces. */
  otlpSignals?: readonly OtlpSignal[];
  /** Finished spans are written to this file as well, one JSON object a line: see span-file.ts. */
  spanFile?: string | undefined;
  /** Share of new traces that are recorded, 0 to 1; traces that a caller has begun go on as the caller decided. */
  traceRatio: number;
  /** Hears once that the receiver does not take what it is sent, and once that it does again. */
  logger?: Logger;
}

export interface Telemetry {
  /** Answers with all metrics in the Prometheus text format. */
  metricsHandler(request: IncomingMessage, response: ServerResponse): void;
  /** Sends what waits, for at most two seconds: a receiver that is away does not hold up the end of a process. */
  shutdown(): Promise<void>;
}

const shutdownMaxMs = 2_000;

/** Whether anybody looks at the spans of a process; without anybody it need not make them. */
export const collectsSpans = (options: Pick<TelemetryOptions, "otlpEndpoint" | "otlpSignals" | "spanFile">): boolean =>
  options.spanFile !== undefined ||
  (options.otlpEndpoint !== undefined && (options.otlpSignals ?? ["traces"]).includes("traces"));

/** Sets the process's global tracer, meter and W3C propagator (OpenTelemetry keeps them global by design). */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const { otlpEndpoint, otlpSignals = ["traces"], spanFile, logger = silentLogger } = options;
  const prometheus = new PrometheusExporter({
    preventServerStart: true,
    withoutTargetInfo: false,
    withoutScopeInfo: true,
    metricProducers: [cellHistograms],
  });
  const otlp =
    otlpEndpoint === undefined ? undefined : createOtlpExport({ endpoint: otlpEndpoint, signals: otlpSignals, logger });
  const file = spanFile === undefined ? undefined : createSpanFile({ file: spanFile, logger });
  const processors = [otlp?.spans, file].filter((each) => each !== undefined);
  const sdk = new NodeSDK({
    autoDetectResources: false,
    resource: resourceFromAttributes({
      ...options.resource,
      "service.name": options.service,
      "service.version": options.version,
      "service.instance.id": options.instanceId,
      ...(options.namespace === undefined ? {} : { "service.namespace": options.namespace }),
    }),
    metricReaders: [prometheus, ...(otlp?.metricReaders ?? [])],
    logRecordProcessors: otlp?.logs ? [otlp.logs] : [],
    // With none at all the SDK would make no tracer, and no ids for the logs.
    spanProcessors: processors.length > 0 ? processors : [discardSpans],
    sampler: new ParentBasedSampler({
      root: collectsSpans(options) ? new TraceIdRatioBasedSampler(options.traceRatio) : new AlwaysOffSampler(),
    }),
  });
  sdk.start();
  otlp?.started();
  return {
    metricsHandler: (request, response) => prometheus.getMetricsRequestHandler(request, response),
    shutdown: () => inTime(sdk.shutdown()),
  };
}

/** What could not be sent is lost then, and has been told of already. */
async function inTime(work: Promise<void>): Promise<void> {
  const done = new AbortController();
  const late = systemClock.sleep(shutdownMaxMs, done.signal).catch(() => {});
  await Promise.race([work.catch(() => {}), late]);
  done.abort();
}

/** Keeps trace ids flowing into logs and calls when nothing collects the spans. */
const discardSpans: SpanProcessor = {
  onStart() {},
  onEnd() {},
  forceFlush: async () => {},
  shutdown: async () => {},
};
