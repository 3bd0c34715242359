import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { type ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as connectWeb from "@connectrpc/connect-web";
import grpc from "@grpc/grpc-js";
import { ErrorInfoSchema } from "@plinth/proto/google/rpc/error_details";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EchoService } from "./echo-service.ts";
import { type Running, service, startGateway } from "./harness.ts";
import { startRpcUpstream, type Upstream } from "./upstream.ts";

let upstream: Upstream;
let running: Running;

beforeAll(async () => {
  upstream = await startRpcUpstream();
  const rule = { path: "/plinth.test.v1.EchoService/", authentication: "None" };
  running = await startGateway([service("echo", [rule])], { echo: [upstream.port] });
});

afterAll(async () => {
  await running.stop();
  await upstream.close();
});

interface EchoClient {
  unary(request: { value: string }, options?: object): Promise<{ value: string }>;
  expand(request: { value: string }, options?: object): AsyncIterable<{ value: string }>;
  join(requests: AsyncIterable<{ value: string }>, options?: object): Promise<{ value: string }>;
  chat(requests: AsyncIterable<{ value: string }>, options?: object): AsyncIterable<{ value: string }>;
}

const client = (transport: Transport): EchoClient => createClient(EchoService, transport) as unknown as EchoClient;

async function* letters(text: string): AsyncGenerator<{ value: string }> {
  for (const value of text) yield { value };
}

async function gather(messages: AsyncIterable<{ value: string }>): Promise<string> {
  let all = "";
  for await (const message of messages) all += message.value;
  return all;
}

describe.each([
  ["Connect over HTTP/1.1", () => createConnectTransport({ baseUrl: running.url, httpVersion: "1.1" })],
  ["Connect over HTTP/2", () => createConnectTransport({ baseUrl: running.url, httpVersion: "2" })],
  ["gRPC over HTTP/2", () => createGrpcTransport({ baseUrl: running.url })],
  ["gRPC-web over HTTP/1.1", () => createGrpcWebTransport({ baseUrl: running.url, httpVersion: "1.1" })],
  ["gRPC-web over HTTP/2", () => createGrpcWebTransport({ baseUrl: running.url, httpVersion: "2" })],
  ["Connect in a browser's fetch", () => connectWeb.createConnectTransport({ baseUrl: running.url })],
  ["gRPC-web in a browser's fetch", () => connectWeb.createGrpcWebTransport({ baseUrl: running.url })],
] as const)("%s", (_name, transport) => {
  it("carries a unary call with headers and trailers", async () => {
    let header = "";
    let trailer = "";
    const answer = await client(transport()).unary(
      { value: "hello" },
      {
        headers: { "x-request-id": "my-id.1" },
        onHeader: (headers: Headers) => {
          header = headers.get("x-echo-request-id") ?? "";
        },
        onTrailer: (trailers: Headers) => {
          trailer = trailers.get("x-echo-trailer") ?? "";
        },
      },
    );
    expect(answer.value).toBe("hello");
    expect(header).toBe("my-id.1");
    expect(trailer).toBe("end");
  });

  it("carries a large answer", async () => {
    expect((await client(transport()).unary({ value: "big:3000000" })).value).toHaveLength(3_000_000);
  });

  it("carries an error of the service", async () => {
    await expect(client(transport()).unary({ value: "fail" })).rejects.toThrow(/internal/);
  });

  it("streams from the service", async () => {
    expect(await gather(client(transport()).expand({ value: "abcdef" }))).toBe("abcdef");
  });

  it("answers deadline_exceeded when the caller's deadline passes", async () => {
    const options = { timeoutMs: 100 };
    await expect(client(transport()).unary({ value: "wait" }, options)).rejects.toThrow(/deadline_exceeded/);
  });

  it("tells the service what is left of the caller's deadline, and no more than the route gives a unary call", async () => {
    await client(transport()).unary({ value: "x" }, { timeoutMs: 50_000 });
    const { headers } = upstream.requests.at(-1) as Upstream["requests"][number];
    const told = Number.parseInt((headers["grpc-timeout"] ?? headers["connect-timeout-ms"]) as string, 10);
    expect(told).toBeGreaterThan(10_000);
    expect(told).toBeLessThanOrEqual(headers["grpc-timeout"] === undefined ? 30_000 : 50_000);
  });

  it("refuses an unknown path in the caller's protocol, with a reason", async () => {
    const wrong = { ...EchoService, typeName: "plinth.test.v1.Nothing" };
    const method = { ...EchoService.methods[0], parent: wrong };
    const call = transport().unary(method as never, undefined, undefined, undefined, { value: "x" } as never);
    await expect(call).rejects.toThrow(/no service is reachable/);
    const error = await call.catch((err: ConnectError) => err);
    const reasons = (error as ConnectError).findDetails(ErrorInfoSchema).map(({ reason, domain }) => [reason, domain]);
    expect(reasons).toEqual([["ROUTE_NOT_FOUND", "plinth.dev"]]);
    const answer = await fetch(`${running.url}/nowhere/v1/things`);
    expect(await answer.json()).toMatchObject({ error: { code: 404, status: "UNIMPLEMENTED" } });
  });
});

describe("a deadline in a header", () => {
  const url = () => `${running.url}/plinth.test.v1.EchoService/Unary`;
  const post = (headers: Record<string, string>) =>
    fetch(url(), { method: "POST", body: '"x"', headers: { "content-type": "application/json", ...headers } });

  it.each([
    ["x-server-timeout", "20.5", 20.5],
    ["connect-timeout-ms", "20500", 20_500],
  ])("%s of plain HTTP is lowered", async (name, given, most) => {
    await post({ [name]: given });
    const told = Number(upstream.requests.at(-1)?.headers[name]);
    expect(told).toBeLessThan(most);
    expect(told).toBeGreaterThan(most / 4);
  });

  it("is the route's where the caller brings none", async () => {
    await post({});
    const told = Number(upstream.requests.at(-1)?.headers["x-server-timeout"]);
    expect(told).toBeLessThanOrEqual(30);
    expect(told).toBeGreaterThan(10);
  });

  it.each([
    ["x-server-timeout", "0", "application/json"],
    ["connect-timeout-ms", "0", "application/json"],
    ["grpc-timeout", "1n", "application/grpc-web+proto"],
  ])("%s that has passed keeps the request from the service", async (name, given, type) => {
    const before = upstream.requests.length;
    const answer = await post({ [name]: given, "content-type": type });
    const text = await answer.text();
    if (type === "application/json") expect(answer.status).toBe(504);
    else expect(text).toMatch(/grpc-status: ?4/);
    expect(upstream.requests).toHaveLength(before);
  });

  it("that cannot be read is left for the service to refuse", async () => {
    await post({ "x-server-timeout": "soon" });
    expect(upstream.requests.at(-1)?.headers["x-server-timeout"]).toBe("soon");
  });
});

describe.each([
  ["Connect", () => createConnectTransport({ baseUrl: running.url, httpVersion: "2" })],
  ["gRPC", () => createGrpcTransport({ baseUrl: running.url })],
] as const)("%s streams over HTTP/2", (_name, transport) => {
  it("streams both ways at once", async () => {
    const requests = letters("one two");
    expect(await gather(client(transport()).chat(requests))).toBe("one two");
    expect((await client(transport()).join(letters("abc"))).value).toBe("abc");
  });

  it("answers each message before the next is sent", async () => {
    let release: () => void = () => {};
    const requests = (async function* () {
      for (let i = 0; i < 3; i++) {
        const answered = new Promise<void>((resolve) => {
          release = resolve;
        });
        yield { value: String(i) };
        await answered;
      }
    })();
    const seen: string[] = [];
    for await (const message of client(transport()).chat(requests)) {
      seen.push(message.value);
      release();
    }
    expect(seen).toEqual(["0", "1", "2"]);
  });
});

describe("an independent gRPC client (grpc-js)", () => {
  const serialize = (text: string) =>
    Buffer.from(toBinary(StringValueSchema, { $typeName: "google.protobuf.StringValue", value: text }));
  const deserialize = (bytes: Buffer) => fromBinary(StringValueSchema, bytes).value;
  const path = "/plinth.test.v1.EchoService/";
  let stub: grpc.Client;

  beforeAll(() => {
    stub = new grpc.Client(`127.0.0.1:${running.port}`, grpc.credentials.createInsecure());
  });
  afterAll(() => stub.close());

  const unary = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      stub.makeUnaryRequest(`${path}Unary`, serialize, deserialize, text, (err, answer) =>
        err ? reject(err) : resolve(answer as string),
      );
    });

  it("calls unary methods", async () => {
    expect(await unary("hi")).toBe("hi");
    await expect(unary("fail")).rejects.toMatchObject({ code: grpc.status.INTERNAL });
  });

  it("streams both ways", async () => {
    const call = stub.makeBidiStreamRequest(`${path}Chat`, serialize, deserialize);
    const seen: string[] = [];
    call.on("data", (text: string) => {
      seen.push(text);
      if (seen.length < 3) call.write(`m${seen.length}`);
      else call.end();
    });
    call.write("m0");
    const status = await new Promise<grpc.StatusObject>((resolve) => call.on("status", resolve));
    expect(seen).toEqual(["m0", "m1", "m2"]);
    expect(status.code).toBe(grpc.status.OK);
    expect(status.metadata.get("x-echo-trailer")).toEqual(["end"]);
  });

  it("gets refusals as gRPC statuses", async () => {
    const call = new Promise((_resolve, reject) => {
      stub.makeUnaryRequest("/no.Service/Call", serialize, deserialize, "x", (err) => reject(err));
    });
    await expect(call).rejects.toMatchObject({ code: grpc.status.UNIMPLEMENTED });
  });
});
