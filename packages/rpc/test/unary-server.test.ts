import http2 from "node:http2";
import { gunzipSync, gzipSync } from "node:zlib";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Fault, type Logger, silentLogger } from "@plinth/kernel";
import { ConformanceService } from "@plinth/proto/connectrpc/conformance/v1/conformance";
import { eventually } from "@plinth/testing";
import { startOpenServer } from "@plinth/testing/open-server";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { access, type CallContext, callWith, enveloped, envelopeHead, type RpcServer } from "../src/index.ts";

let server: RpcServer;
let calls: CallContext[] = [];
let handle: (data: string, call: CallContext) => Promise<string>;
const logged: string[] = [];
const logger: Logger = {
  ...silentLogger,
  error: ({ err }, text) => void logged.push(`${text}: ${err}`),
  child: () => logger,
};

beforeAll(async () => {
  const answer = async ({ requestData }: { requestData: Uint8Array }, call: CallContext) => {
    calls.push(call);
    return { payload: { data: Buffer.from(await handle(Buffer.from(requestData).toString(), call)) } };
  };
  async function* stream() {
    yield { payload: { data: Buffer.from("first") } };
    throw new Fault({ code: "aborted", reason: "MOVED_ON", message: "moved on" });
  }
  const routes = { unary: answer, idempotentUnary: answer, serverStream: stream };
  server = await startOpenServer(
    [
      {
        service: ConformanceService,
        routes: new Map(Object.entries(routes).map(([name, f]) => [name, { access: access.public, handle: f }])),
      },
    ],
    { logger, readMaxBytes: 100_000 },
  );
});
afterAll(async () => server.stop?.(AbortSignal.timeout(1_000)));
beforeEach(() => {
  calls = [];
  logged.length = 0;
  handle = async (data) => data;
});

const service = "/connectrpc.conformance.v1.ConformanceService";
const url = (path: string) => `http://127.0.0.1:${server.port()}${service}/${path}`;
const json = (data: string) => JSON.stringify({ requestData: Buffer.from(data).toString("base64") });
const post = (body: string | Buffer<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(url("Unary"), { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
const dataOf = (answer: unknown) =>
  Buffer.from((answer as { payload: { data: string } }).payload.data, "base64").toString();

describe("Connect", () => {
  test("an RPC without side effects answers GET, any other says 405", async () => {
    const query = (message: string, more = "") => `?connect=v1&encoding=json&message=${message}${more}`;
    const plain = await fetch(url(`IdempotentUnary${query(encodeURIComponent(json("hello")))}`));
    expect(dataOf(await plain.json())).toBe("hello");
    const packed = gzipSync(json("hello")).toString("base64url");
    const compressed = await fetch(url(`IdempotentUnary${query(packed, "&base64=1&compression=gzip")}`));
    expect(dataOf(await compressed.json())).toBe("hello");
    expect((await fetch(url(`Unary${query("%7B%7D")}`))).status).toBe(405);
    const broken = await fetch(url(`IdempotentUnary${query("*", "&base64=1")}`));
    expect([broken.status, await broken.json()]).toEqual([400, expect.objectContaining({ code: "invalid_argument" })]);
  });

  test("a compressed request is understood, and what is worth it is compressed when asked for", async () => {
    const small = await post(gzipSync(json("small")), { "content-encoding": "gzip", "accept-encoding": "gzip" });
    expect([small.headers.get("content-encoding"), dataOf(await small.json())]).toEqual([null, "small"]);
    const large = await post(json("x".repeat(5_000)), { "accept-encoding": "gzip" });
    expect([large.headers.get("content-encoding"), dataOf(await large.json())]).toEqual(["gzip", "x".repeat(5_000)]);
  });

  test("a bomb of a compressed request is refused", async () => {
    const answer = await post(gzipSync(Buffer.alloc(1 << 20)), { "content-encoding": "gzip" });
    expect([answer.status, await answer.json()]).toEqual([
      429,
      expect.objectContaining({ code: "resource_exhausted" }),
    ]);
  });

  test("another version of the protocol is refused", async () => {
    expect((await post("{}", { "connect-protocol-version": "1" })).status).toBe(200);
    const answer = await post("{}", { "connect-protocol-version": "2" });
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code: "invalid_argument" })]);
  });

  test("metadata of the handler comes with answers and with errors", async () => {
    handle = async (data, call) => {
      call.responseHeader.set("x-head", "1");
      // Not the handler's to know: ours takes its place.
      call.responseHeader.set("content-length", "1");
      call.responseTrailer.set("x-trail", "2");
      if (data === "fail") throw new Fault({ code: "not_found", reason: "NOTHING_HERE", message: "nothing here" });
      return data;
    };
    for (const data of ["ok", "fail"]) {
      const { status, headers } = await post(json(data));
      expect([status, headers.get("x-head"), headers.get("trailer-x-trail")]).toEqual([
        data === "ok" ? 200 : 404,
        "1",
        "2",
      ]);
    }
  });

  test("a copy of a call is a whole call", async () => {
    await post("{}", { "x-request-id": "r-1", "user-agent": "test" });
    const call = calls[0] as CallContext;
    const copy = callWith(call, { actor: "user:1" });
    expect({ ...copy }).toMatchObject({
      actor: "user:1",
      requestId: "r-1",
      userAgent: "test",
      remoteAddress: "127.0.0.1",
    });
    expect([copy.signal.aborted, copy.traceparent?.slice(0, 3), copy.requestHeader.get("user-agent")]).toEqual([
      true,
      "00-",
      "test",
    ]);
    expect([copy.logger, copy.responseTrailer]).toEqual([call.logger, call.responseTrailer]);
    expect([copy.timeLeftMs() > 0, call.actor]).toEqual([true, "anonymous"]);
  });

  test("a caller that leaves aborts the call; that is not our error", async () => {
    handle = (_, call) =>
      new Promise((_, reject) => call.signal.addEventListener("abort", () => reject(new Error("gone"))));
    const leaving = new AbortController();
    const call = fetch(url("Unary"), {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
      signal: leaving.signal,
    });
    await eventually(() => expect(calls).toHaveLength(1));
    leaving.abort();
    await expect(call).rejects.toThrow();
    await eventually(() => expect(calls[0]?.signal.aborted).toBe(true));
    expect(logged).toEqual([]);
  });
});

describe("gRPC", () => {
  const client = () =>
    createClient(ConformanceService, createGrpcTransport({ baseUrl: `http://127.0.0.1:${server.port()}` }));

  /** One request, its bytes in the given pieces; without an end when `open`. Resolves with status and fields of the answer. */
  async function call(pieces: Buffer[], headers: Record<string, string> = {}, open = false) {
    const session = http2.connect(`http://127.0.0.1:${server.port()}`);
    try {
      const path = `${service}/Unary`;
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      const fields: http2.IncomingHttpHeaders = {};
      const add = (more: http2.IncomingHttpHeaders) =>
        Object.assign(fields, more, { "set-cookie": [fields, more].flatMap((some) => some["set-cookie"] ?? []) });
      stream.on("response", add);
      stream.on("trailers", add);
      for (const piece of pieces) await new Promise((resolve) => stream.write(piece, resolve));
      if (!open) stream.end();
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      await eventually(() => expect(fields).toHaveProperty("grpc-status"));
      return { status: Number(fields["grpc-status"]), fields, body: Buffer.concat(chunks) };
    } finally {
      session.destroy();
    }
  }

  test("a message in many pieces is one message", async () => {
    const message = Buffer.concat([Buffer.from([0x12, 5]), Buffer.from("hello")]);
    const bytes = [...enveloped(0, message)].map((byte) => Buffer.from([byte]));
    const { status, body } = await call(bytes);
    expect([status, body.toString()]).toEqual([0, expect.stringContaining("hello")]);
  });

  test("no message, two messages and half a message are told apart", async () => {
    const empty = enveloped(0, new Uint8Array(0));
    expect((await call([])).status).toBe(Code.Unimplemented);
    expect((await call([empty, empty])).status).toBe(Code.Unimplemented);
    expect((await call([empty.subarray(0, 3)])).status).toBe(Code.InvalidArgument);
    expect(calls).toEqual([]);
  });

  test("a message that never comes ends at the deadline", async () => {
    const { status } = await call([Buffer.from([0, 0])], { "grpc-timeout": "50m" }, true);
    expect(status).toBe(Code.DeadlineExceeded);
  });

  test("a deadline longer than the longest is refused", async () => {
    expect((await call([enveloped(0, new Uint8Array(0))], { "grpc-timeout": "99H" })).status).toBe(
      Code.InvalidArgument,
    );
  });

  test("a caller that leaves ends its call, whose end is told from that of an answered one", async () => {
    handle = async (data, { signal }) => {
      if (data === "stay") await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return data;
    };
    const causes = () => calls.map(({ signal }) => signal.aborted && (signal.reason as ConnectError).rawMessage);
    await client().unary({ requestData: Buffer.from("go") });
    const leaving = new AbortController();
    const left = client().unary({ requestData: Buffer.from("stay") }, { signal: leaving.signal });
    await eventually(() => expect(calls).toHaveLength(2));
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: Code.Canceled });
    await eventually(() => expect(causes()).toEqual(["the call has ended", "the caller went away"]));
  });

  test("who goes on sending after the answer is stopped, and not called wrong", async () => {
    const session = http2.connect(`http://127.0.0.1:${server.port()}`);
    try {
      const stream = session.request({
        ":method": "POST",
        ":path": `${service}/Unary`,
        "content-type": "application/grpc",
      });
      stream.resume();
      stream.on("error", () => {});
      stream.write(Buffer.from([0, 0x7f, 0, 0, 0]));
      stream.write(Buffer.alloc(3 << 20));
      await eventually(() => expect(stream.closed).toBe(true));
      expect(stream.rstCode).toBe(http2.constants.NGHTTP2_NO_ERROR);
    } finally {
      session.destroy();
    }
  });

  test("a compressed message without a compression is the caller's mistake", async () => {
    expect((await call([enveloped(1, gzipSync(""))])).status).toBe(Code.InvalidArgument);
  });

  test("a large answer is compressed when the caller accepts it", async () => {
    handle = async () => "y".repeat(5_000);
    const { fields, body } = await call([enveloped(0, new Uint8Array(0))], { "grpc-accept-encoding": "gzip" });
    expect([fields["grpc-encoding"], body[0]]).toEqual(["gzip", 1]);
    expect(gunzipSync(body.subarray(envelopeHead)).toString()).toContain("y".repeat(5_000));
  });

  test("what a stream throws after an answer keeps its reason", async () => {
    const seen: unknown[] = [];
    const failure = (async () => {
      for await (const answer of client().serverStream({})) seen.push(answer);
    })();
    await expect(failure).rejects.toMatchObject({ code: Code.Aborted, rawMessage: "moved on" });
    expect(seen).toHaveLength(1);
  });

  test("cookies come one by one, any other field of the handler takes the place of ours", async () => {
    handle = async (data, { responseHeader, responseTrailer }) => {
      for (const metadata of [responseHeader, responseTrailer]) {
        metadata.append("set-cookie", "a=1");
        metadata.append("set-cookie", "b=2");
      }
      responseHeader.set("x-request-id", "mine");
      return data;
    };
    const { fields } = await call([enveloped(0, new Uint8Array(0))]);
    expect(fields).toMatchObject({ "x-request-id": "mine", "set-cookie": ["a=1", "b=2", "a=1", "b=2"] });
    const answer = await post("{}");
    expect([answer.headers.getSetCookie(), answer.headers.get("x-request-id")]).toEqual([["a=1", "b=2"], "mine"]);
    expect(answer.headers.get("trailer-set-cookie")).toBe("a=1, b=2");
  });

  test("a field that HTTP/2 does not allow costs its own call only", async () => {
    handle = async (data, call) => {
      if (data === "bad") call.responseHeader.set("connection", "close");
      return data;
    };
    await expect(client().unary({ requestData: Buffer.from("bad") })).rejects.toMatchObject({ code: Code.Internal });
    expect(logged).toEqual([expect.stringMatching(/^an answer could not be written: TypeError/)]);
    handle = async (data, call) => {
      if (data === "bad") call.responseTrailer.set("connection", "close");
      return data;
    };
    await expect(client().unary({ requestData: Buffer.from("bad") })).rejects.toMatchObject({ code: Code.Internal });
    await client().unary({ requestData: Buffer.from("good") });
  });

  test("an error of the library that a handler throws goes out as it is", async () => {
    handle = () => Promise.reject(new ConnectError("as it is", Code.DataLoss));
    await expect(client().unary({})).rejects.toMatchObject({ code: Code.DataLoss, rawMessage: "as it is" });
  });
});
