import http2 from "node:http2";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Running, service, startGateway } from "./harness.ts";
import { answers, sendRaw } from "./raw.ts";
import { startHttpUpstream, type Upstream } from "./upstream.ts";

let upstream: Upstream;
let running: Running;

beforeAll(async () => {
  upstream = await startHttpUpstream();
  const rules = [
    { path: "/open/", authentication: "None" },
    { path: "/open/private/", authentication: "Required" },
  ];
  running = await startGateway([service("web", rules)], { web: [upstream.port] });
});
afterAll(async () => {
  await running.stop();
  await upstream.close();
});
beforeEach(() => {
  upstream.requests.length = 0;
});

const get = (target: string, headers = "Host: a\r\n") =>
  sendRaw(running.port, `GET ${target} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`);

describe("framing that two servers could read differently", () => {
  it.each([
    ["both lengths", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["both lengths, the other way round", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"],
    ["two lengths", "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd"],
    ["a list of lengths", "Content-Length: 4, 5\r\n\r\nabcd"],
    ["a signed length", "Content-Length: +4\r\n\r\nabcd"],
    ["a length in hexadecimal", "Content-Length: 0x4\r\n\r\nabcd"],
    ["chunked twice", "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"],
    ["chunked before identity", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"],
    ["an unknown coding", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
    ["a space before the colon", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"],
    ["a folded header", "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"],
    ["a tab in the coding", "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"],
    ["a bad chunk size", "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"],
    ["a chunk longer than its size", "Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n"],
  ])("refuses %s and closes", async (_name, rest) => {
    const smuggled = "GET /open/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    const answer = await sendRaw(running.port, `POST /open/x HTTP/1.1\r\nHost: a\r\n${rest}${smuggled}`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.toLowerCase()).toContain("connection: close");
    expect(upstream.requests.map((request) => request.url)).not.toContain("/open/smuggled");
  });

  it("keeps pipelined requests apart", async () => {
    const one = "GET /open/1 HTTP/1.1\r\nHost: a\r\n\r\n";
    const two = "POST /open/2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    const answer = await sendRaw(running.port, one + two, answers(2));
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(upstream.requests.map((request) => `${request.url} ${request.body}`)).toEqual(["/open/1 ", "/open/2 abc"]);
  });
});

it("says what is wrong with a later request on a connection, too", async () => {
  const answer = await sendRaw(
    running.port,
    "GET /open/1 HTTP/1.1\r\nHost: a\r\n\r\n",
    () => false,
    (socket) => {
      socket.write("nonsense\r\n\r\n");
    },
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*HTTP\/1\.1 400 /);
});

describe("targets", () => {
  it.each([
    ["/open/../etc", "dot segment"],
    ["/open/./x", "dot segment"],
    ["/open/%2e%2e/x", "dot segment"],
    ["/open/.%2E/x", "dot segment"],
    ["/open/..;a=b/x", "dot segment"],
    ["/open/..%3bx/y", "dot segment"],
    ["/open//x", "empty segment"],
    ["//open/x", "empty segment"],
    ["/open/%2fx", "encoded slash"],
    ["/open/%5cx", "encoded slash"],
    ["/open/\\x", "percent-encoded"],
    ["/open/%00", "control character"],
    ["/open/%0d%0aX: y", "malformed"],
    ["/open/%zz", "broken percent-encoding"],
    ["/open/%", "broken percent-encoding"],
    ["http://other/open/x", "another host"],
    ["/open/x#y", "percent-encoded"],
    ["*", "start with a slash"],
  ])("refuses %s", async (target, why) => {
    const answer = await get(target);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain(why);
    expect(upstream.requests).toEqual([]);
  });

  it("takes the absolute form when it names the same host", async () => {
    expect(await get("http://A/open/x?y=1")).toMatch(/^HTTP\/1\.1 200 /);
    expect(upstream.requests[0]?.url).toBe("/open/x?y=1");
  });

  it("matches and forwards the same decoded form", async () => {
    expect(await get("/open/%70rivate/x")).toMatch(/^HTTP\/1\.1 401 /);
    expect(await get("/open/a%c3%a9%7e")).toMatch(/^HTTP\/1\.1 200 /);
    expect(upstream.requests.map((request) => request.url)).toEqual(["/open/a%C3%A9~"]);
  });

  it("refuses a target that is too long with 414", async () => {
    expect(await get(`/open/${"a".repeat(9_000)}`)).toMatch(/^HTTP\/1\.1 414 /);
  });
});

describe("methods and headers", () => {
  it.each(["TRACE", "PROPFIND", "PURGE"])("refuses %s with 501", async (method) => {
    const answer = await sendRaw(running.port, `${method} /open/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 501 /);
  });

  it("refuses CONNECT", async () => {
    const answer = await sendRaw(running.port, "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 501 /);
  });

  it.each([
    ["no Host", ""],
    ["two Hosts", "Host: a\r\nHost: b\r\n"],
    ["a Host with a path", "Host: a/b\r\n"],
    ["a Host with credentials", "Host: u@a\r\n"],
    ["a header name with a space", "Host: a\r\nX y: z\r\n"],
    ["a NUL in a value", "Host: a\r\nX: a\0b\r\n"],
    ["a bare carriage return", "Host: a\r\nX: a\rb\r\n"],
  ])("refuses %s", async (_name, headers) => {
    expect(await get("/open/x", headers)).toMatch(/^HTTP\/1\.1 400 /);
    expect(upstream.requests).toEqual([]);
  });

  it("refuses headers that are too large with 431", async () => {
    expect(await get("/open/x", `Host: a\r\nX: ${"a".repeat(20_000)}\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it("refuses more than a hundred header fields with 431, rather than dropping some", async () => {
    const many = Array.from({ length: 101 }, (_, i) => `X-${i}: 1\r\n`).join("");
    expect(await get("/open/x", `${many}Host: a\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(upstream.requests).toEqual([]);
  });

  it("drops hop-by-hop, named and reserved headers and says who called", async () => {
    const spoofed = [
      "Host: shop.example:8080",
      "Connection: close, X-Named",
      "X-Named: 1",
      "Keep-Alive: timeout=1",
      "Proxy-Authorization: Basic x",
      "TE: trailers",
      "Upgrade: h2c",
      "HTTP2-Settings: x",
      "X-Forwarded-For: 9.9.9.9",
      "X-Forwarded-Proto: https",
      "X_Forwarded_For: 9.9.9.9",
      "X-Real-IP: 9.9.9.9",
      "Forwarded: for=9.9.9.9",
      "X-Plinth-Workload-Token: forged",
      "X-Plinth-Client-Address: 9.9.9.9",
      "X_Plinth_User: root",
      "X-Request-Id: bad id\twith spaces",
      "X-Kept: yes",
    ];
    await sendRaw(running.port, `GET /open/x HTTP/1.1\r\n${spoofed.join("\r\n")}\r\n\r\n`);
    const headers = upstream.requests[0]?.headers ?? {};
    expect(headers).toMatchObject({
      host: "shop.example:8080",
      "x-kept": "yes",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "shop.example:8080",
    });
    expect(headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers["traceparent"]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
    const names = Object.keys(headers).join(" ");
    expect(names).not.toMatch(/named|keep-alive|proxy|upgrade|settings|real|_| te /);
    const own = Object.entries(headers).filter(([name]) => name.startsWith("x-plinth"));
    expect(own).toEqual([["x-plinth-client-address", "127.0.0.1"]]);
  });

  it("continues the caller's trace", async () => {
    const trace = "0af7651916cd43dd8448eb211c80319c";
    await get("/open/x", `Host: a\r\nTraceparent: 00-${trace}-b7ad6b7169203331-01\r\n`);
    expect(upstream.requests[0]?.headers["traceparent"]).toContain(trace);
  });
});

describe("HTTP/2", () => {
  const request = (headers: http2.OutgoingHttpHeaders): Promise<number> =>
    new Promise((resolve, reject) => {
      const session = http2.connect(running.url);
      session.on("error", reject);
      const stream = session.request(headers);
      stream.on("response", (answer) => {
        resolve(Number(answer[":status"]));
        session.destroy();
      });
      stream.on("error", reject);
      stream.end();
    });

  it("serves plain requests", async () => {
    expect(await request({ ":path": "/open/x" })).toBe(200);
  });

  it.each([
    ["a path with dot segments", { ":path": "/open/../x" }],
    ["an empty segment", { ":path": "/open//x" }],
    ["a different Host", { ":path": "/open/x", ":authority": "a", host: "other" }],
  ])("refuses %s", async (_name, headers) => {
    expect(await request(headers)).toBe(400);
    expect(upstream.requests).toEqual([]);
  });

  it.each([
    ["a path with a full URL", { ":path": "http://other/open/x" }],
    ["an authority with credentials", { ":path": "/open/x", ":authority": "u@a" }],
  ])("resets a stream with %s", async (_name, headers) => {
    await expect(request(headers)).rejects.toThrow(/PROTOCOL_ERROR/);
    expect(upstream.requests).toEqual([]);
  });

  it("ends a session that resets streams again and again", async () => {
    const session = http2.connect(running.url);
    session.on("error", () => {});
    const closed = new Promise<void>((resolve) => session.on("close", () => resolve()));
    const burst = () => {
      for (let i = 0; i < 50 && !session.destroyed && !session.closed; i++) {
        const stream = session.request({ ":path": "/open/x" });
        stream.on("error", () => {});
        stream.close(http2.constants.NGHTTP2_CANCEL);
      }
      if (!session.destroyed && !session.closed) setImmediate(burst);
    };
    burst();
    await closed;
    expect(await request({ ":path": "/open/x" })).toBe(200);
  });
});
