import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type http from "node:http";
import http2 from "node:http2";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { systemClock } from "@plinth/kernel";
import { createFakeClock, eventually } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { parse } from "yaml";
import { type Running, service, startGateway, startTestAuth, type TestAuth } from "./harness.ts";
import { answers, sendRaw } from "./raw.ts";
import { startHttpUpstream, type Upstream } from "./upstream.ts";

type Rule = { rateLimit?: object };

let auth: TestAuth;
let upstream: Upstream & { server: http.Server };
let sockets: WebSocketServer;
let running: Running;
let passedMs = 0;

/** From now on the timers of the gateway wait for `pass`, which is quicker than time and never too early. */
function holdTime(): { pass(ms: number): void } {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  return {
    pass(ms) {
      passedMs += ms;
      vi.advanceTimersByTime(ms);
    },
  };
}

beforeAll(async () => {
  auth = await startTestAuth();
  upstream = await startHttpUpstream((request, response, body) => {
    if (request.url === "/http/never") return;
    if (request.url === "/http/drip") return void response.write("first");
    if (request.url === "/http/cut") {
      response.writeHead(200, { "content-length": "100" });
      response.write("only this", () => response.destroy());
      return;
    }
    if (request.url === "/http/own-cors") response.setHeader("access-control-allow-origin", "https://evil.example");
    if (request.url === "/http/hop") response.setHeader("connection", "close, x-gone").setHeader("x-gone", "1");
    response.end(`${request.method} ${body.length}`);
  });
  sockets = new WebSocketServer({ noServer: true });
  sockets.on("connection", (socket) => socket.on("message", (data: RawData) => socket.send(`echo ${data}`)));
  upstream.server.on("upgrade", (request, socket, head) => {
    if (request.url === "/ws/no") socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
    else sockets.handleUpgrade(request, socket, head, (ws) => sockets.emit("connection", ws, request));
  });
  const none = { authentication: "None" };
  running = await startGateway(
    [
      service(
        "web",
        [
          { path: "/http/", ...none, timeout: "30s", idleTimeout: "40s", maxBodyBytes: 100_000 },
          { path: "/ws/", ...none, timeout: "30s", idleTimeout: "60s" },
          { path: "/no-ws/", ...none, websocket: false },
          { path: "/per-user/", authentication: "Optional", rateLimit: { requests: 1, per: "1h", key: "Principal" } },
          { path: "/private/" },
          { path: "/broken/", timeout: "soon" },
        ],
        { cors: { allowOrigins: ["https://app.example", "https://*.shop.example"], allowCredentials: true } },
      ),
    ],
    { web: [upstream.port], auth: [auth.upstream.port] },
    { clock: { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + passedMs } },
  );
});
afterAll(async () => {
  await running.stop();
  for (const client of sockets.clients) client.terminate();
  await upstream.close();
  await auth.upstream.close();
});

// As Go sends a body of unknown length that turns out to have none: the end comes in a frame of its own.
it("forwards a request over HTTP/2 whose body is nothing but its end", async () => {
  const session = http2.connect(running.url);
  const stream = session.request({ ":method": "POST", ":path": "/http/empty" });
  stream.end();
  expect(await text(stream)).toBe("POST 0");
  session.close();
});

const call = (path: string, init?: RequestInit) => fetch(`${running.url}${path}`, init);

describe("CORS", () => {
  const preflight = (origin: string, path = "/private/x") =>
    call(path, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });

  it("answers preflights at the edge, without a token", async () => {
    for (const origin of ["https://app.example", "https://a.b.shop.example"]) {
      const answer = await preflight(origin);
      expect(answer.status).toBe(204);
      expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
      expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
      expect(answer.headers.get("access-control-allow-headers")).toContain("connect-protocol-version");
      expect(answer.headers.get("vary")).toContain("Origin");
    }
  });

  it.each([
    "https://evil.example",
    "https://shop.example",
    "https://evilshop.example",
    "http://app.example",
    "https://app.example.evil.example",
    "https://evil.example/.shop.example",
    "null",
  ])("allows %s nothing", async (origin) => {
    expect((await preflight(origin)).headers.get("access-control-allow-origin")).toBeNull();
    const answer = await call("/http/x", { headers: { origin } });
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("marks answers and refusals alike and overrules the service", async () => {
    for (const path of ["/http/own-cors", "/private/x"]) {
      const answer = await call(path, { headers: { origin: "https://app.example" } });
      expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example");
      expect(answer.headers.get("access-control-expose-headers")).toContain("grpc-status");
    }
  });
});

describe("rate limits", () => {
  it("counts a call by RPC and by REST together where the manifest names the limit, as auth's does for logins", async () => {
    const manifest = join(import.meta.dirname, "../../auth/platformservice.yaml");
    const { spec } = parse(await readFile(manifest, "utf8")) as { spec: { route: { rules: Rule[] } } };
    // Nothing comes back within the test.
    const rules = spec.route.rules.map((rule) => ({ ...rule, rateLimit: { ...rule.rateLimit, per: "1h" } }));
    const gateway = await startGateway([service("auth", rules)], { auth: [upstream.port] });
    onTestFinished(() => gateway.stop());
    const login = async (path: string) => {
      const answer = await fetch(`${gateway.url}${path}`, { method: "POST", body: "{}" });
      await answer.body?.cancel();
      return answer.status;
    };
    const [rest, rpc] = ["/auth/v1/sessions:login", "/plinth.auth.v1.AuthService/Login"] as const;
    for (let i = 0; i < 5; i++) expect([await login(rest), await login(rpc)]).toEqual([200, 200]);
    expect([await login(rpc), await login(rest)]).toEqual([429, 429]);
    // Other calls have limits of their own.
    expect(await login("/plinth.auth.v1.AuthService/RefreshSession")).toBe(200);
  });

  it("count down, then answer 429 with when to come back", async () => {
    const rule = { path: "/", authentication: "None", rateLimit: { requests: 2, per: "1m", key: "Address" } };
    const clock = createFakeClock();
    const gateway = await startGateway([service("web", [rule])], { web: [upstream.port] }, { clock });
    onTestFinished(() => gateway.stop());
    const seen = [await fetch(gateway.url), await fetch(gateway.url), await fetch(gateway.url)];
    expect(seen.map((answer) => answer.status)).toEqual([200, 200, 429]);
    expect(seen.map((answer) => answer.headers.get("ratelimit"))).toEqual([
      '"default";r=1;t=30',
      '"default";r=0;t=60',
      '"default";r=0;t=60',
    ]);
    expect(seen[2]?.headers.get("ratelimit-policy")).toBe('"default";q=2;w=60');
    expect(Number(seen[2]?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await seen[2]?.json()).toMatchObject({ code: "resource_exhausted", reason: "RATE_LIMITED" });
  });

  it("count users apart from each other and from anonymous callers", async () => {
    const as = async (sub?: string) => {
      const headers = sub ? { authorization: `Bearer ${await auth.token({ sub })}` } : {};
      return (await call("/per-user/x", { headers })).status;
    };
    expect([await as(), await as("user:a"), await as("user:b"), await as("user:a"), await as()]).toEqual([
      200, 200, 200, 429, 429,
    ]);
  });
});

describe("bodies", () => {
  it("stream through in both directions", async () => {
    const answer = await call("/http/x", { method: "POST", body: "x".repeat(90_000) });
    expect(await answer.text()).toBe("POST 90000");
  });

  it("over the limit are refused, announced or not", async () => {
    const announced = await call("/http/x", { method: "POST", body: "x".repeat(100_001) });
    expect(announced.status).toBe(413);
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(10_000));
      },
    });
    const chunked = await call("/http/x", { method: "POST", body, duplex: "half" } as RequestInit);
    expect(chunked.status).toBe(413);
    expect(await chunked.json()).toMatchObject({ reason: "BODY_TOO_LARGE" });
  });

  it("cut short by the service reach the caller as cut short", async () => {
    const answer = await call("/http/cut");
    await expect(answer.text()).rejects.toThrow();
  });

  it("lose the headers that a service names in Connection", async () => {
    const answer = await call("/http/hop");
    expect(answer.headers.get("x-gone")).toBeNull();
  });
});

describe("refusals of HEAD", () => {
  it("have the length of what GET gets, and no type for what is not there", async () => {
    const [head, get] = [await call("/nowhere", { method: "HEAD" }), await call("/nowhere")];
    expect([head.status, await head.text()]).toEqual([404, ""]);
    expect(head.headers.get("content-length")).toBe(get.headers.get("content-length"));
    expect(head.headers.get("content-type")).toBeNull();
  });
});

describe("time", () => {
  it("is over: 504, and the service hears of it", async () => {
    const time = holdTime();
    const arrived = once(upstream.server, "request");
    const answering = call("/http/never");
    const [request] = (await arrived) as [http.IncomingMessage];
    const gone = once(request.socket, "close");
    time.pass(30_000);
    const answer = await answering;
    expect(answer.status).toBe(504);
    expect(await answer.json()).toMatchObject({ code: "deadline_exceeded", reason: "DEADLINE_EXCEEDED" });
    await gone;
  });

  it("of silence ends an answer that began", async () => {
    const time = holdTime();
    const answer = await call("/http/drip");
    expect(answer.status).toBe(200);
    // Longer than an answer may take to begin, and not yet the whole silence that is allowed.
    time.pass(31_000);
    const chunks = answer.body as ReadableStream<Uint8Array>;
    const reader = chunks.getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("first");
    const rest = reader.read();
    time.pass(9_000);
    await expect(rest).rejects.toThrow();
  });
});

describe("callers that leave", () => {
  it("end the request to the service", async () => {
    const arrived = once(upstream.server, "request");
    const abort = new AbortController();
    const answer = call("/http/never", { signal: abort.signal });
    const [request] = (await arrived) as [http.IncomingMessage];
    const gone = once(request.socket, "close");
    abort.abort();
    await expect(answer).rejects.toThrow();
    await gone;
  });
});

describe("WebSocket", () => {
  const open = async (path: string) => {
    const socket = new WebSocket(`ws://127.0.0.1:${running.port}${path}`);
    await once(socket, "open");
    return socket;
  };

  it("passes messages both ways and the end, and outlives the route's timeout", async () => {
    const time = holdTime();
    const socket = await open("/ws/chat");
    time.pass(31_000);
    socket.send("hello");
    const [message] = (await once(socket, "message")) as [RawData];
    expect(String(message)).toBe("echo hello");
    socket.close(4_000, "bye");
    const [code] = (await once(socket, "close")) as [number];
    expect(code).toBe(4_000);
  });

  it("is refused by the service in its own words, by the edge where it is off, without a token where one is required", async () => {
    await expect(open("/ws/no")).rejects.toThrow("403");
    await expect(open("/no-ws/x")).rejects.toThrow("403");
    await expect(open("/private/x")).rejects.toThrow("401");
    await expect(open("/nowhere")).rejects.toThrow("404");
  });

  it("is the only upgrade: h2c is ignored", async () => {
    const head = "GET /http/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    expect(await sendRaw(running.port, head, answers(1))).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("accounting", () => {
  it("writes one access line per request, without query and token", async () => {
    await call("/http/logged?secret=1", { headers: { "x-request-id": "log-1" } });
    const line = await eventually(() => {
      const found = running.lines.filter(({ fields }) => fields["request_id"] === "log-1");
      expect(found).toHaveLength(1);
      return found[0];
    });
    expect(line).toMatchObject({
      level: "info",
      message: "request",
      fields: {
        method: "GET",
        path: "/http/logged",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.]\d{3}Z$/),
        service: "gateway",
        route: "web/0",
        target: "web",
        status: 200,
        principal: "anonymous",
        trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
      },
    });
    expect(JSON.stringify(line)).not.toContain("secret");
  });

  it("answers 500 on a route that is configured wrongly, and says so in the log", async () => {
    expect((await call("/broken/x")).status).toBe(500);
    expect(running.lines.find(({ message }) => message === "route problem")?.fields).toMatchObject({
      field: "spec.route.rules[5].timeout",
    });
  });
});
