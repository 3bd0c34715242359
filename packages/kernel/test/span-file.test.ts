import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { SpanStatusCode, trace } from "@opentelemetry/api";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  inChildSpan,
  recordingSpan,
  silentLogger,
  startTelemetry,
  type Telemetry,
  type WrittenSpan,
} from "../src/index.ts";

let folder: string;
let file: string;
let telemetry: Telemetry;
const tracer = trace.getTracer("test");

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-spans-"));
  file = path.join(folder, "spans", "notes-0.jsonl");
  telemetry = startTelemetry({
    ...{ service: "notes", version: "1", instanceId: "notes-1", traceRatio: 1 },
    otlpEndpoint: undefined,
    spanFile: file,
    logger: silentLogger,
  });
});
afterAll(async () => {
  await telemetry.shutdown();
  await rm(folder, { recursive: true, force: true });
});

const written = async (): Promise<WrittenSpan[]> =>
  (await readFile(file, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as WrittenSpan);

test("finished spans stand in the file with parents, times and errors", async () => {
  await tracer.startActiveSpan("outer", async (outer) => {
    await inChildSpan(
      tracer,
      () => ({ name: "inner", attributes: { rows: 3 } }),
      async () => {
        expect(recordingSpan()).not.toBe(outer);
        throw new Error("no such note");
      },
    ).catch(() => {});
    outer.setStatus({ code: SpanStatusCode.OK });
    outer.end();
  });
  const [inner, outer] = await eventually(async () => {
    const spans = await written();
    expect(spans).toHaveLength(2);
    return spans;
  });
  expect(outer).toMatchObject({ name: "outer", service: "notes", instance: "notes-1", kind: "internal" });
  expect(outer).not.toHaveProperty("error");
  expect(outer).not.toHaveProperty("parent");
  expect(inner).toMatchObject({
    ...{ name: "inner", trace: outer?.trace, parent: outer?.span },
    ...{ attributes: { rows: 3 }, error: "no such note" },
  });
  expect(Math.abs((inner?.startMs ?? 0) - Date.now())).toBeLessThan(60_000);
});

test("outside of a recorded trace a child span is never even described", async () => {
  const result = await inChildSpan(
    tracer,
    () => {
      throw new Error("described");
    },
    async (span) => span,
  );
  expect(result).toBeUndefined();
});

test("the newest spans stay: at its size the file makes room, and there is one older file", async () => {
  const text = "x".repeat(100_000);
  for (let round = 0; round < 12; round++) {
    const name = `round ${round}`;
    for (let i = 0; i < 9; i++) tracer.startSpan(name, { attributes: { text } }).end();
    await eventually(async () => expect(await readFile(file, "utf8")).toContain(`"${name}"`));
  }
  const [now, before] = [await readFile(file, "utf8"), await readFile(`${file}.1`, "utf8")];
  expect(now.length).toBeLessThan(4.3 * 1024 * 1024);
  expect(before.length).toBeLessThan(4.3 * 1024 * 1024);
  expect(before.length).toBeGreaterThan(3 * 1024 * 1024);
});
