import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { context, propagation, trace } from "@opentelemetry/api";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger, startTelemetry, type Telemetry } from "../src/index.ts";

const received: { method: string; path: string; headers: IncomingHttpHeaders; body: Buffer }[] = [];
const collector = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  received.push({
    method: request.method ?? "",
    path: request.url ?? "",
    headers: request.headers,
    body: Buffer.concat(chunks),
  });
  response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
});
let telemetry: Telemetry;

beforeAll(async () => {
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  telemetry = startTelemetry({
    service: "notes",
    version: "1.2.3",
    instanceId: "notes-1",
    otlpEndpoint: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/`,
    traceRatio: 1,
  });
});
afterAll(() => {
  collector.closeAllConnections();
  collector.close();
});

test("log lines inside a span carry its ids; outside they do not", () => {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ service: "notes", level: "info", write: (line) => void lines.push(JSON.parse(line)) });
  logger.info({}, "outside");
  const { traceId, spanId } = trace.getTracer("test").startActiveSpan("in the log", (span) => {
    logger.info({}, "inside");
    span.end();
    return span.spanContext();
  });
  expect(lines[0]).not.toHaveProperty("trace_id");
  expect(lines[1]).toMatchObject({ trace_id: traceId, span_id: spanId });
});

test("the W3C trace context travels with calls", () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const incoming = propagation.extract(context.active(), { traceparent });
  const outgoing: Record<string, string> = {};
  trace.getTracer("test").startActiveSpan("child", {}, incoming, (span) => {
    propagation.inject(context.active(), outgoing);
    span.end();
  });
  expect(outgoing["traceparent"]).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/);
});

test("spans reach the OTLP receiver as protobuf, at the latest when telemetry shuts down", async () => {
  const span = trace.getTracer("test").startSpan("store a note");
  span.end();
  await telemetry.shutdown();
  const traces = await eventually(() => {
    const found = received.filter(({ body }) => body.includes("store a note"));
    expect(found).toHaveLength(1);
    return found[0];
  });
  expect(traces).toMatchObject({ method: "POST", path: "/v1/traces" });
  expect(traces?.headers["content-type"]).toBe("application/x-protobuf");
  expect(traces?.body.includes("notes-1"), "resource attributes").toBe(true);
  expect(traces?.body.includes(Buffer.from(span.spanContext().traceId, "hex")), "trace id").toBe(true);
});
