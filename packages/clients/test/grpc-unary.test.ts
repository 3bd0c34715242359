import http2, { type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { AuditService, EntrySchema, Outcome } from "@plinth/proto/plinth/audit/v1/audit";
import { enveloped } from "@plinth/rpc";
import { eventually } from "@plinth/testing";
import { afterEach, expect, test } from "vitest";
import { createGrpcUnary } from "../src/grpc-unary.ts";
import { createHttp2Sessions } from "../src/http2-sessions.ts";
import { createClients } from "../src/index.ts";

const id = "01920000-0000-7000-8000-000000000001";
const record = { id, action: "a", actor: "b", outcome: Outcome.SUCCESS };
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

const entry = (source: string) => toBinary(EntrySchema, create(EntrySchema, { id, source }));

type Answer = (stream: ServerHttp2Stream) => void;

/** An answer as gRPC writes it, with everything that a test may bend. */
function answer(
  body: Uint8Array,
  head: http2.OutgoingHttpHeaders = {},
  trailers: http2.OutgoingHttpHeaders = { "grpc-status": "0" },
): Answer {
  return (stream) => {
    stream.respond({ "content-type": "application/grpc+proto", ...head }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(body);
  };
}

/** A server that gives its answers one after the other; the last one from then on. */
async function serve(...answers: Answer[]) {
  const streams: ServerHttp2Stream[] = [];
  const sessions: ServerHttp2Session[] = [];
  const server = http2.createServer();
  server.on("session", (session) => void sessions.push(session));
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.resume();
    streams.push(stream);
    (answers.length > 1 ? answers.shift() : answers[0])?.(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  cleanups.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, streams, sessions };
}

function unaryClient(port: number) {
  const sessions = createHttp2Sessions({ authority: `http://127.0.0.1:${port}`, clock: systemClock });
  cleanups.push(() => void sessions.close());
  const unary = createGrpcUnary({ sessions, clock: systemClock, readMaxBytes: 10_000, writeMaxBytes: 10_000 });
  return createClient(AuditService, { unary, stream: () => Promise.reject(new Error("no streams here")) });
}

function balancedClient(port: number) {
  const endpoint = { instanceId: "a", host: "127.0.0.1", port, draining: false };
  const resolver = {
    name: "one",
    watch(_: string, onChange: (endpoints: readonly (typeof endpoint)[]) => void) {
      onChange([endpoint]);
      return { close() {} };
    },
  };
  const common = { logger: silentLogger, clock: systemClock, random: systemRandom };
  const clients = createClients({ ...common, resolver, defaultTimeoutMs: 60_000 });
  cleanups.push(() => void clients.stop?.(AbortSignal.timeout(1_000)));
  return clients.get(AuditService, "audit");
}

test("an answer in pieces, with metadata before and after it", async () => {
  const message = enveloped(0, entry("in pieces"));
  const { port } = await serve((stream) => {
    stream.respond({ "content-type": "application/grpc", "x-head": "1" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-trail-bin": "AAE" }));
    stream.write(message.subarray(0, 3), () =>
      stream.write(message.subarray(3, 9), () => stream.end(message.subarray(9))),
    );
  });
  const seen: (string | null)[] = [];
  const options = {
    onHeader: (headers: Headers) => void seen.push(headers.get("x-head")),
    onTrailer: (trailers: Headers) => void seen.push(trailers.get("x-trail-bin")),
  };
  expect((await unaryClient(port).getEntry({ id }, options)).source).toBe("in pieces");
  expect(seen).toEqual(["1", "AAE"]);
});

test("a compressed answer is read", async () => {
  const { port } = await serve(answer(enveloped(1, gzipSync(entry("packed"))), { "grpc-encoding": "gzip" }));
  expect((await unaryClient(port).getEntry({ id })).source).toBe("packed");
});

test.each([
  ["an answer above the limit", answer(enveloped(0, new Uint8Array(20_000))), Code.ResourceExhausted],
  ["two messages", answer(Buffer.concat([enveloped(0, entry("a")), enveloped(0, entry("b"))])), Code.Unimplemented],
  ["half a message", answer(enveloped(0, entry("a")).subarray(0, 8)), Code.Internal],
  ["no message", answer(Buffer.alloc(0)), Code.Unimplemented],
  ["no status", answer(enveloped(0, entry("a")), {}, { other: "x" }), Code.Internal],
  ["an unknown compression", answer(enveloped(1, entry("a")), { "grpc-encoding": "lzma" }), Code.Internal],
  ["a page of a proxy", answer(Buffer.from("<html>"), { "content-type": "text/html" }), Code.Unknown],
  ["a gateway's error", answer(Buffer.alloc(0), { ":status": 503 }), Code.Unavailable],
  [
    "an error in the trailers",
    answer(Buffer.alloc(0), {}, { "grpc-status": "9", "grpc-message": "not%20so" }),
    Code.FailedPrecondition,
  ],
  [
    "an error in the head",
    (stream: ServerHttp2Stream) =>
      stream.respond({ "content-type": "application/grpc", "grpc-status": "5" }, { endStream: true }),
    Code.NotFound,
  ],
] as [string, Answer, Code][])("%s is told apart", async (_, bent, code) => {
  const { port } = await serve(bent);
  await expect(unaryClient(port).getEntry({ id })).rejects.toMatchObject({ code });
});

test("a request above the limit is not sent", async () => {
  const { port, streams } = await serve(answer(enveloped(0, entry("a"))));
  const call = unaryClient(port).recordEntry({ ...record, action: "x".repeat(20_000) });
  await expect(call).rejects.toMatchObject({ code: Code.ResourceExhausted });
  expect(streams).toEqual([]);
});

test("the deadline goes along, ends the call here and cancels it there", async () => {
  const { port, streams } = await serve(answer(enveloped(0, entry("first"))), () => {});
  const client = unaryClient(port);
  // The connection stands then: the next call leaves at once.
  await client.getEntry({ id });
  await expect(client.getEntry({ id }, { timeoutMs: 1_000 })).rejects.toMatchObject({ code: Code.DeadlineExceeded });
  await eventually(() => expect(streams[1]?.rstCode).toBe(http2.constants.NGHTTP2_CANCEL));
  expect(streams[1]?.sentHeaders).toBeUndefined();
});

test("an abort ends the call here and cancels it there, and nothing is sent of a call that was aborted before", async () => {
  const { port, streams } = await serve(() => {});
  const controller = new AbortController();
  const call = unaryClient(port).getEntry({ id }, { signal: controller.signal });
  await eventually(() => expect(streams).toHaveLength(1));
  controller.abort();
  await expect(call).rejects.toMatchObject({ code: Code.Canceled });
  await eventually(() => expect(streams[0]?.rstCode).toBe(http2.constants.NGHTTP2_CANCEL));
  const again = unaryClient(port).getEntry({ id }, { signal: controller.signal });
  await expect(again).rejects.toMatchObject({ code: Code.Canceled });
  expect(streams).toHaveLength(1);
});

test("a refused stream is made again, also for a call that may not be repeated", async () => {
  const refuse: Answer = (stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
  const { port, streams } = await serve(refuse, answer(enveloped(0, entry("second"))));
  expect((await balancedClient(port).recordEntry(record)).source).toBe("second");
  expect(streams).toHaveLength(2);
});

test("a connection that breaks under a call is unavailable, and says nothing of sockets", async () => {
  const { port } = await serve((stream) => stream.session?.socket.destroy());
  await expect(balancedClient(port).recordEntry(record)).rejects.toMatchObject({
    code: "unavailable",
    message: "the connection to audit was lost, try again shortly",
  });
});
