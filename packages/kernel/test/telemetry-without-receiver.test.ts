import { trace } from "@opentelemetry/api";
import { afterAll, expect, test } from "vitest";
import { createLogger, startTelemetry } from "../src/index.ts";

const telemetry = startTelemetry({
  service: "notes",
  version: "1.2.3",
  instanceId: "notes-1",
  otlpEndpoint: undefined,
  traceRatio: 1,
});
afterAll(() => telemetry.shutdown());

test("without a receiver spans record nothing, but their ids are in the log", () => {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ service: "notes", level: "info", write: (line) => void lines.push(JSON.parse(line)) });
  trace.getTracer("test").startActiveSpan("x", (span) => {
    expect(span.isRecording()).toBe(false);
    logger.info({}, "inside");
    span.end();
  });
  expect(lines[0]).toMatchObject({
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
});
