import { SpanStatusCode, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { cellHistogram, Fault, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { ExportFormat, LogService } from "@plinth/proto/plinth/audit/v1/log";
import { access, type CallContext, type ServiceRoutes } from "@plinth/rpc";
import { eventually } from "@plinth/testing";
import { startOpenServer } from "@plinth/testing/open-server";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createClients } from "../src/index.ts";

const rpc = "plinth.audit.v1.LogService/ExportEntries";
const spans = new InMemorySpanExporter();
const cleanups: (() => Promise<unknown> | undefined)[] = [];
let gate: PromiseWithResolvers<void>;

beforeAll(() => {
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }));
});
afterAll(() => trace.disable());
beforeEach(() => {
  spans.reset();
  gate = Promise.withResolvers();
});
afterEach(async () => {
  gate.resolve();
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type Handler = (message: unknown, call: CallContext) => AsyncGenerator<{ lines: Uint8Array }>;

/** A client of a server whose ExportEntries answers by `handle`. */
async function startStreaming(handle: Handler) {
  const routes: ServiceRoutes["routes"] = new Map(
    LogService.methods.map(({ localName }) => [localName, { access: access.public, handle: handle as never }]),
  );
  const server = await startOpenServer([{ service: LogService, routes }]);
  cleanups.push(async () => server.stop?.(AbortSignal.timeout(1_000)));
  const endpoint = { instanceId: "one", host: "127.0.0.1", port: server.port(), draining: false };
  const clients = createClients({
    resolver: {
      name: "resolver",
      watch(_, onChange) {
        onChange([endpoint]);
        return { close() {} };
      },
    },
    ...{ logger: silentLogger, clock: systemClock, random: systemRandom, defaultTimeoutMs: 60_000 },
  });
  cleanups.push(async () => clients.stop?.(AbortSignal.timeout(1_000)));
  return clients.get(LogService, "audit");
}

const line = { lines: new Uint8Array([1]) };
const request = { format: ExportFormat.CSV };

/** How many calls have ended so, on one side. */
function ended(side: "client" | "server", code: string): number {
  const options = { name: `rpc.${side}.call.duration`, unit: "s", description: "", boundaries: [] };
  return cellHistogram(options).cell({ "rpc.method": rpc, "rpc.response.status_code": code }).count;
}

const both = (code: string) => [ended("client", code), ended("server", code)];

test("a stream is over, for spans and durations, when its last message is", async () => {
  const client = await startStreaming(async function* () {
    yield line;
    await gate.promise;
    yield line;
  });
  const before = both("ok");
  const messages = client.exportEntries(request)[Symbol.asyncIterator]();
  expect((await messages.next()).value?.lines).toHaveLength(1);
  expect(both("ok")).toEqual(before);
  expect(spans.getFinishedSpans()).toEqual([]);
  gate.resolve();
  expect((await messages.next()).done).toBe(false);
  expect((await messages.next()).done).toBe(true);
  await eventually(() => expect(both("ok")).toEqual(before.map((count) => count + 1)));
  expect(spans.getFinishedSpans().map(({ name, status }) => [name, status.code])).toEqual([
    [rpc, SpanStatusCode.UNSET],
  ]);
});

test("a stream that fails in its middle ends with the code, and its caller gets the fault", async () => {
  const client = await startStreaming(async function* () {
    yield line;
    throw new Fault({ code: "out_of_range", reason: "TREE_SIZE_UNKNOWN", message: "not so large yet" });
  });
  const before = both("out_of_range");
  const read = async () => {
    for await (const _ of client.exportEntries(request));
  };
  await expect(read()).rejects.toMatchObject({ code: "out_of_range", reason: "TREE_SIZE_UNKNOWN" });
  await eventually(() => expect(both("out_of_range")).toEqual(before.map((count) => count + 1)));
  // What a caller did wrong is no error of the server, but it is told.
  expect(spans.getFinishedSpans().map(({ status, attributes }) => [status.code, attributes["error.type"]])).toEqual([
    [SpanStatusCode.UNSET, "TREE_SIZE_UNKNOWN"],
  ]);
});

test("a stream whose caller leaves ends as canceled, also when its handler does not notice", async () => {
  const client = await startStreaming(async function* () {
    yield line;
    await gate.promise;
  });
  const before = both("canceled");
  const leaving = new AbortController();
  const read = async () => {
    for await (const _ of client.exportEntries(request, { signal: leaving.signal })) leaving.abort();
  };
  await expect(read()).rejects.toMatchObject({ code: "canceled" });
  await eventually(() => expect(both("canceled")).toEqual(before.map((count) => count + 1)));
  expect(spans.getFinishedSpans().map(({ status }) => status.message)).toEqual(["canceled"]);
});
