import { logs, trace } from "@opentelemetry/api";
import { eventually } from "@plinth/testing";
import { type OtlpReceiver, startOtlpReceiver } from "@plinth/testing/otlp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alsoToOtlp, cellHistogram, createLogger, startTelemetry, type Telemetry } from "../src/index.ts";

/** Longer than the batches wait (5 s) and than a failed delivery's first repetition. */
const boundMs = 30_000;

let receiver: OtlpReceiver;
let telemetry: Telemetry;
const said: { level: string; msg: string }[] = [];
const logger = createLogger({ service: "notes", level: "info", write: (line) => void said.push(JSON.parse(line)) });

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  telemetry = startTelemetry({
    service: "notes",
    version: "1.2.3",
    instanceId: "notes-1",
    namespace: "plinth",
    resource: { "k8s.pod.name": "notes-1", "service.name": "not this one" },
    otlpEndpoint: receiver.endpoint,
    otlpSignals: ["traces", "metrics", "logs"],
    traceRatio: 1,
    logger,
  });
});
afterAll(async () => {
  await telemetry.shutdown();
  receiver.close();
});

const resource = {
  "service.name": "notes",
  "service.namespace": "plinth",
  "service.instance.id": "notes-1",
  "service.version": "1.2.3",
  "k8s.pod.name": "notes-1",
};

test("spans, metrics and log lines arrive with the resource, and lines belong to their spans", async () => {
  const write = alsoToOtlp(() => {});
  const lines = createLogger({ service: "notes", level: "info", write });
  cellHistogram({ name: "test.seconds", description: "how long", unit: "s", boundaries: [1] })
    .cell({})
    .record(2);
  const { traceId, spanId } = trace.getTracer("test").startActiveSpan("store a note", (span) => {
    lines.warn({ rows: 3, password: "hidden" }, "stored");
    span.end();
    return span.spanContext();
  });
  await eventually(() => {
    expect(receiver.spans).toContainEqual(expect.objectContaining({ name: "store a note", traceId, spanId, resource }));
    expect(receiver.logs).toContainEqual(
      expect.objectContaining({ body: "stored", severity: "warn", traceId, spanId, resource }),
    );
    expect(receiver.metrics).toContainEqual({ name: "test.seconds", unit: "s", resource });
  }, boundMs);
  const line = receiver.logs.find(({ body }) => body === "stored");
  expect(line?.attributes["password"]).toBe("[Redacted]");
});

test("a receiver that refuses costs one line in the log and one when it takes things again; the loss is counted", async () => {
  const emit = () => logs.getLogger("test").emit({ body: "a line" });
  receiver.answer(400);
  said.length = 0;
  await eventually(() => {
    emit();
    expect(said).toHaveLength(1);
  }, boundMs);
  const seen = receiver.requests.length;
  await eventually(() => {
    emit();
    expect(receiver.requests.length).toBeGreaterThan(seen + 1);
  }, boundMs);
  expect(said).toMatchObject([{ level: "warn", msg: expect.stringContaining("not taken by its receiver") }]);
  receiver.answer("ok");
  await eventually(() => {
    emit();
    expect(said).toHaveLength(2);
  }, boundMs);
  expect(said[1]).toMatchObject({ level: "info", msg: expect.stringContaining("taken by its receiver again") });
  const text = await scrape();
  expect(text).toMatch(/otel_sdk_processor_log_processed_total\{[^}]*error_type="OTLPExporterError"[^}]*\} [1-9]/);
});

test("a receiver that never answers holds up nobody: the queue is bounded, and what does not fit is counted", async () => {
  receiver.answer("never");
  const tracer = trace.getTracer("test");
  for (let i = 0; i < 20_000; i++) tracer.startSpan("many").end();
  const text = await scrape();
  const dropped = /otel_sdk_processor_span_processed_total\{[^}]*error_type="queue_full"[^}]*\} (\d+)/.exec(text);
  expect(Number(dropped?.[1])).toBeGreaterThan(10_000);
  said.length = 0;
  await telemetry.shutdown();
  // It did not wait for the deliveries, which fail after ten seconds and would say so.
  expect(said).toEqual([]);
});

async function scrape(): Promise<string> {
  const texts: string[] = [];
  const response = { setHeader() {}, end: (body: string) => void texts.push(body) };
  telemetry.metricsHandler({} as never, response as never);
  await eventually(() => expect(texts).toHaveLength(1));
  return texts[0] ?? "";
}
