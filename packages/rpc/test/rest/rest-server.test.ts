import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { text } from "node:stream/consumers";
import { createHealth, createLogger, Fault, systemClock, systemRandom } from "@plinth/kernel";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  access,
  type CallContext,
  createRpcServer,
  type Denial,
  faultToConnectError,
  type RpcServer,
} from "../../src/index.ts";
import type { AnyRoute } from "../../src/service-routes.ts";
import { libraryService } from "./library-service.ts";

const service = libraryService();
const denials: Denial[] = [];
const logged: string[] = [];
const begun: string[] = [];
const aborted: string[] = [];
let server: RpcServer;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

type Thing = { name: string; count: number };

async function get({ name, count }: Thing, call: CallContext): Promise<object> {
  switch (name) {
    case "who":
      return { name: call.actor, tags: [call.requestHeader.get("x-custom") ?? "", call.userAgent] };
    case "missing":
      throw new Fault({
        code: "not_found",
        reason: "THING_NOT_FOUND",
        message: "there is no such thing",
        retryAfterMs: 1500,
      });
    case "broken":
      throw new Error("select * from secret_table failed");
    case "unwritable":
      return { updateMask: { paths: ["No_Field_Is_Called_So"] } };
    case "headers":
      call.responseHeader.append("etag", '"7"');
      return {};
    case "slow":
      begun.push(name);
      await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
      aborted.push(name);
      call.signal.throwIfAborted();
  }
  return { name, count, nested: { name: "inner" }, kind: 1, big: 2n ** 60n };
}

async function* watch({ count, name }: Thing, call: CallContext): AsyncGenerator<object> {
  if (name === "refused")
    throw faultToConnectError(new Fault({ code: "failed_precondition", reason: "NOT_NOW", message: "not now" }));
  for (let i = 0; i < count; i++) yield { count: i, name: name === "long" ? "x".repeat(10_000) : "" };
  if (name === "breaks")
    throw faultToConnectError(
      new Fault({ code: "unavailable", reason: "GONE_AWAY", message: "gone", retryAfterMs: 1000 }),
    );
  if (name === "endless") {
    begun.push(name);
    await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
    aborted.push(name);
  }
}

beforeAll(async () => {
  const route = (handle: unknown, rule = access.public): AnyRoute => ({
    access: rule,
    handle: handle as AnyRoute["handle"],
  });
  const answering = ["get", "getDeep", "path", "create", "update", "put", "putAll", "delete", "list", "byNumber"];
  server = createRpcServer({
    host: "127.0.0.1",
    port: 0,
    services: [
      {
        service,
        routes: new Map([
          ...answering.map((name) => [name, route(get)] as const),
          ["purge", route(get, access.permission("can_purge", "platform:plinth"))],
          ["watch", route(watch)],
        ]),
      },
    ],
    authenticator: {
      async authenticate(headers) {
        const userId = headers.get("authorization")?.replace("Bearer ", "");
        return {
          principal: userId ? { kind: "user", userId, sessionId: "s" } : { kind: "anonymous" },
          workload: undefined,
          accessToken: undefined,
          throughEdge: false,
        };
      },
    },
    authorizer: { check: async ({ subject }) => subject === "user:cleaner" },
    health: createHealth(),
    logger: createLogger({ service: "library", level: "info", write: (line) => void logged.push(line) }),
    clock: systemClock,
    random: systemRandom,
    onDenied: (denial) => denials.push(denial),
    readMaxBytes: 10_000,
    httpRoutes: { "/plain": (_, response) => response.end("plain") },
  });
  await server.start?.();
});
afterAll(async () => {
  agent.destroy();
  await server.stop?.(AbortSignal.timeout(5_000));
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function overHttp1(method: string, path: string, headers: Record<string, string> = {}, body = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port: server.port(), host: "127.0.0.1", agent, method, path, headers },
      (response) => {
        text(response).then(
          (answered) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answered }),
          reject,
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

async function overHttp2(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = "",
): Promise<Answer> {
  const session = connectHttp2(`http://127.0.0.1:${server.port()}`);
  try {
    const stream = session.request({ ":method": method, ":path": path, ...headers }, { endStream: false });
    const head = new Promise<IncomingHttpHeaders & { ":status"?: number }>((resolve, reject) => {
      stream.once("response", resolve);
      stream.once("error", reject);
    });
    stream.end(body);
    const { ":status": status = 0, ...rest } = await head;
    return { status, headers: rest, body: await text(stream) };
  } finally {
    session.destroy();
  }
}

const json = { "content-type": "application/json" };
const error = ({ body }: Answer) =>
  (JSON.parse(body) as { error: { code: number; status: string; message: string; details: object[] } }).error;
const info = (reason: string, metadata = {}) => ({
  ...{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", domain: "plinth.dev", reason },
  ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
});

describe.each([
  ["HTTP/1.1", overHttp1],
  ["h2c", overHttp2],
])("REST over %s", (_, call) => {
  test("answers a call with every field that is not optional", async () => {
    const answer = await call("GET", "/library/v1/things/a?count=2");
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ "content-type": "application/json" });
    expect(answer.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(answer.body)).toMatchObject({
      ...{
        name: "a",
        count: 2,
        kind: "KIND_BOOK",
        big: "1152921504606846976",
        tags: [],
        on: false,
        nested: { name: "inner" },
      },
    });
  });

  test("takes a body, and answers one field where the option says so", async () => {
    const created = await call(
      "POST",
      "/library/v1/things",
      { "content-type": "Application/JSON; charset=UTF-8" },
      `{"name":"a"}`,
    );
    expect(JSON.parse(created.body)).toMatchObject({ name: "a" });
    const deleted = await call("DELETE", "/library/v1/things/a");
    expect(JSON.parse(deleted.body)).toMatchObject({ name: "inner" });
  });

  test("hands the caller's token and headers on, and those of the handler back", async () => {
    const headers = { authorization: "Bearer ada", "x-custom": "yes", "user-agent": "me/1", "x-request-id": "mine" };
    const answer = await call("GET", "/library/v1/things/who", headers);
    expect(JSON.parse(answer.body)).toMatchObject({ name: "user:ada", tags: ["yes", "me/1"] });
    expect(answer.headers["x-request-id"]).toBe("mine");
    expect((await call("GET", "/library/v1/things/headers")).headers["etag"]).toBe('"7"');
  });

  test("says what failed in the form of AIP-193", async () => {
    const answer = await call("GET", "/library/v1/things/missing");
    expect(answer.status).toBe(404);
    expect(answer.headers).toMatchObject({ "content-type": "application/json", "retry-after": "2" });
    expect(answer.headers["x-request-id"]).toBeDefined();
    expect(JSON.parse(answer.body)).toEqual({
      error: {
        ...{ code: 404, status: "NOT_FOUND", message: "there is no such thing" },
        details: [
          info("THING_NOT_FOUND"),
          { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1.500s" },
        ],
      },
    });
    const broken = await call("GET", "/library/v1/things/broken");
    expect(broken.status).toBe(500);
    expect(error(broken)).toMatchObject({ status: "INTERNAL", message: "internal error" });
    expect(broken.body).not.toContain("secret");
  });

  test("asks for sign-in, refuses, and tells of it as every protocol does", async () => {
    const anonymous = await call("PURGE", "/library/v1/things");
    expect(anonymous.status).toBe(401);
    expect(anonymous.headers["www-authenticate"]).toBe('Bearer realm="plinth"');
    expect(error(anonymous)).toMatchObject({ status: "UNAUTHENTICATED", details: [info("CREDENTIALS_MISSING")] });
    denials.length = 0;
    const refused = await call("PURGE", "/library/v1/things", { authorization: "Bearer bob" });
    expect(refused.status).toBe(403);
    expect(denials).toMatchObject([
      { rpc: "library.v1.LibraryService/Purge", reason: "PERMISSION_DENIED", call: { actor: "user:bob" } },
    ]);
    expect((await call("PURGE", "/library/v1/things", { authorization: "Bearer cleaner" })).status).toBe(200);
  });

  test.each([
    ["GET", "/library/v1/nothing", {}, "", 404, "NOT_FOUND", "PATH_UNKNOWN"],
    ["GET", "/library/v1/things/%ff", {}, "", 400, "INVALID_ARGUMENT", "REQUEST_MALFORMED"],
    ["GET", "/library/v1/things?nope=1", {}, "", 400, "INVALID_ARGUMENT", "REQUEST_MALFORMED"],
    ["PUT", "/library/v1/things", json, "{}", 405, "UNIMPLEMENTED", "METHOD_NOT_ALLOWED"],
    [
      "POST",
      "/library/v1/things",
      { "content-type": "text/plain" },
      "{}",
      415,
      "INVALID_ARGUMENT",
      "CONTENT_TYPE_UNSUPPORTED",
    ],
    ["POST", "/library/v1/things", {}, "{}", 415, "INVALID_ARGUMENT", "CONTENT_TYPE_UNSUPPORTED"],
    [
      "POST",
      "/library/v1/things",
      { ...json, "content-encoding": "gzip" },
      "{}",
      415,
      "INVALID_ARGUMENT",
      "CONTENT_TYPE_UNSUPPORTED",
    ],
    [
      "POST",
      "/library/v1/things",
      json,
      `{"name":"${"x".repeat(10_000)}"}`,
      413,
      "RESOURCE_EXHAUSTED",
      "MESSAGE_TOO_LARGE",
    ],
    ["POST", "/library/v1/things", json, "{", 400, "INVALID_ARGUMENT", "REQUEST_MALFORMED"],
    ["GET", "/library/v1/things/a", { "x-server-timeout": "soon" }, "", 400, "INVALID_ARGUMENT", "REQUEST_MALFORMED"],
    ["GET", "/library/v1/things/a", { "x-server-timeout": "99999" }, "", 400, "INVALID_ARGUMENT", "REQUEST_MALFORMED"],
    [
      "GET",
      "/library/v1/things/slow",
      { "x-server-timeout": "0.05" },
      "",
      504,
      "DEADLINE_EXCEEDED",
      "DEADLINE_EXCEEDED",
    ],
  ])("%s %s %j answers %s", async (method, path, headers, body, status, name, reason) => {
    const answer = await call(method, path, headers, body);
    expect(answer.status).toBe(status);
    expect(error(answer)).toMatchObject({ code: status, status: name, details: [info(reason)] });
    // The connection is good for the next call.
    expect((await call("GET", "/library/v1/things/a")).status).toBe(200);
  });

  test("names the methods of a path", async () => {
    expect((await call("PUT", "/library/v1/things", json, "{}")).headers["allow"]).toBe(
      "GET, HEAD, OPTIONS, POST, PURGE",
    );
    const options = await call("OPTIONS", "/library/v1/things/a");
    expect(options).toMatchObject({ status: 204, body: "" });
    expect(options.headers["allow"]).toBe("DELETE, GET, HEAD, OPTIONS, PATCH, PUT");
  });

  test("answers HEAD as GET without a body", async () => {
    const got = await call("GET", "/library/v1/things/a");
    const head = await call("HEAD", "/library/v1/things/a");
    expect(head).toMatchObject({ status: 200, body: "" });
    expect(head.headers["content-length"]).toBe(got.headers["content-length"]);
    expect(await call("HEAD", "/library/v1/things/missing")).toMatchObject({ status: 404, body: "" });
    expect((await call("HEAD", "/library/v1/things:watch")).status).toBe(405);
  });

  test("leaves other paths alone", async () => {
    expect(await call("GET", "/plain")).toMatchObject({ status: 200, body: "plain" });
    expect(JSON.parse((await call("GET", "/elsewhere/%ff")).body)).toMatchObject({ code: "unimplemented" });
  });

  test("sends a stream as JSON Lines", async () => {
    const answer = await call("GET", "/library/v1/things:watch?count=100&name=long");
    expect(answer.headers["content-type"]).toBe("application/jsonl");
    const lines = answer.body
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Thing);
    expect(lines.map(({ count }) => count)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(await call("GET", "/library/v1/things:watch")).toMatchObject({ status: 200, body: "" });
  });

  test("ends a stream that breaks with the error as its last line", async () => {
    const answer = await call("GET", "/library/v1/things:watch?count=2&name=breaks");
    expect(answer.status).toBe(200);
    const lines = answer.body
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatchObject({ error: { code: 503, status: "UNAVAILABLE", details: [info("GONE_AWAY"), {}] } });
  });

  test("answers a stream that does not begin with a status", async () => {
    const answer = await call("GET", "/library/v1/things:watch?name=refused");
    expect(answer.status).toBe(400);
    expect(error(answer)).toMatchObject({ status: "FAILED_PRECONDITION", details: [info("NOT_NOW")] });
  });
});

test("an answer that JSON cannot write is an internal error, and is written down once", async () => {
  logged.length = 0;
  const answer = await overHttp1("GET", "/library/v1/things/unwritable");
  expect([answer.status, error(answer)]).toEqual([500, expect.objectContaining({ message: "internal error" })]);
  expect(logged).toHaveLength(1);
  expect(JSON.parse(logged[0] ?? "")).toMatchObject({ rpc: "library.v1.LibraryService/Get", err: {} });
});

test("callers who leave while sending are no error of ours", async () => {
  logged.length = 0;
  const socket = connectTcp(server.port(), "127.0.0.1");
  const head =
    "POST /library/v1/things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n";
  await new Promise<void>((resolve) => socket.write(`${head}\r\n{`, () => resolve()));
  socket.destroy();
  const session = connectHttp2(`http://127.0.0.1:${server.port()}`);
  const stream = session.request({ ":method": "POST", ":path": "/library/v1/things", ...json }, { endStream: false });
  await new Promise<void>((resolve) => stream.write("{", () => resolve()));
  stream.close(8);
  await new Promise((resolve) => session.ping(resolve));
  session.destroy();
  expect((await overHttp1("GET", "/library/v1/things/a")).status).toBe(200);
  expect(logged).toEqual([]);
});

test("a body of unknown length is read no further than the limit, and its connection lives on", async () => {
  const chunked = { ...json, "transfer-encoding": "chunked" };
  const refused = await overHttp1("POST", "/library/v1/things", chunked, `{"name":"${"x".repeat(500_000)}"}`);
  expect([refused.status, error(refused).details]).toEqual([413, [info("MESSAGE_TOO_LARGE")]]);
  expect((await overHttp1("GET", "/library/v1/things/a")).status).toBe(200);
});

test.each(["/library/v1/things/slow", "/library/v1/things:watch?count=1&name=endless"])(
  "a caller who leaves ends the call %s",
  async (path) => {
    begun.length = 0;
    aborted.length = 0;
    const leave = new AbortController();
    const answer = fetch(`http://127.0.0.1:${server.port()}${path}`, { signal: leave.signal }).then((got) =>
      got.text(),
    );
    const left = answer.catch(() => "left");
    await eventually(() => expect(begun).toHaveLength(1));
    leave.abort();
    expect(await left).toBe("left");
    await eventually(() => expect(aborted).toHaveLength(1));
  },
);
