import { once } from "node:events";
import type { Server } from "node:http";
import http2 from "node:http2";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { createSecureContext } from "node:tls";
import { createHealth, silentLogger, systemClock } from "@plinth/kernel";
import { createSeededRandom, eventually, selfSignedCertificate } from "@plinth/testing";
import { request } from "undici";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import type { Route } from "../src/data/route.ts";
import { RouteTable, type TableListener } from "../src/data/route-table.ts";
import { createDataPlane, type DataPlane, type OpenOptions, type OpenPort } from "../src/data-plane.ts";
import { TestResolver, tableRoute, to, tokenAudience, tokenIssuer } from "./harness.ts";
import { startHttpUpstream, type Upstream } from "./upstream.ts";

/** What routes of the Gateway API can say and those of a PlatformService cannot. */
let a: Upstream;
let b: Upstream;
let flaky: Upstream & { server: Server };
/** Speaks HTTP/2 and nothing else. */
let h2: http2.Http2Server;
const h2Requests: { method: string; path: string; body: string }[] = [];
let plane: DataPlane;
const resolver = new TestResolver();
const open: OpenPort[] = [];
/** Answers of `flaky`, in turn; then 200. */
let answers: number[] = [];

beforeAll(async () => {
  a = await startHttpUpstream((_request, response, body) => response.setHeader("x-who", "a").end(body));
  b = await startHttpUpstream((_request, response) => response.setHeader("x-who", "b").end("b"));
  flaky = await startHttpUpstream((_request, response) => {
    const status = answers.shift() ?? 200;
    // 0: never answers.
    if (status > 0) response.writeHead(status).end(String(status));
  });
  h2 = http2.createServer();
  h2.on("stream", (stream: http2.ServerHttp2Stream, headers) => {
    let body = "";
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    stream.on("end", () => {
      if (stream.destroyed) return;
      h2Requests.push({ method: String(headers[":method"]), path: String(headers[":path"]), body });
      if (headers[":path"] === "/empty") stream.respond({ ":status": 204 }, { endStream: true });
      else {
        stream.respond({ ":status": 200, "x-who": "h2" });
        stream.end(`${headers[":method"]} ${body.length}`);
      }
    });
  });
  await new Promise<void>((resolve) => h2.listen(0, "127.0.0.1", resolve));
  resolver.set("a", a.port);
  resolver.set("b", b.port);
  resolver.set("flaky", flaky.port);
  resolver.set("h2", (h2.address() as AddressInfo).port);
  plane = createDataPlane({
    resolver,
    authService: "auth",
    health: createHealth(),
    logger: silentLogger,
    clock: systemClock,
    random: createSeededRandom(7),
    tokenIssuer,
    tokenAudience,
    drainDelayMs: 0,
  });
  plane.setServices(["a", "b", "flaky", "h2", "empty"]);
});
afterEach(async () => {
  for (const port of open.splice(0)) await port.stop(AbortSignal.timeout(100));
});
afterAll(async () => {
  for (const part of [...plane.beforeRoutes, ...plane.afterRoutes]) await part.stop?.(AbortSignal.timeout(1_000));
  await Promise.all([a.close(), b.close(), flaky.close()]);
  await new Promise((resolve) => h2.close(resolve));
});

const route = (path: string, rest: Partial<Route>): Route => tableRoute("a", path, rest);

async function serve(routes: Route[] | TableListener[], options: Partial<OpenOptions> = {}): Promise<number> {
  const isListeners = (list: Route[] | TableListener[]): list is TableListener[] => "routes" in (list[0] ?? {});
  const table = isListeners(routes) ? new RouteTable(routes) : RouteTable.of(routes);
  const port = plane.open({ host: "127.0.0.1", port: 0, table: () => table, localLast: true, ...options });
  await port.start();
  open.push(port);
  return port.port();
}

async function call(port: number, path: string, init: Parameters<typeof request>[1] = {}) {
  const { statusCode, headers, body } = await request(`http://127.0.0.1:${port}${path}`, init);
  return { status: statusCode, headers, text: await body.text() };
}

describe("matches", () => {
  it("fall back from conditions that are not met to the next best route", async () => {
    const port = await serve([
      route("/x", { id: "post", conditions: { method: "POST", headers: [], query: [] }, backends: [to("b")] }),
      route("/x", { conditions: { headers: [{ name: "v", value: "1,2" }], query: [] }, backends: [to("b")] }),
      route("/x", { conditions: { headers: [], query: [{ name: "q", value: "ä b" }] }, backends: [to("b")] }),
      route("", {}),
    ]);
    const who = async (path: string, init = {}) => (await call(port, path, init)).headers["x-who"];
    expect(await who("/x/y")).toBe("a");
    expect(await who("/x/y", { method: "POST" })).toBe("b");
    expect(await who("/x/y", { headers: ["V", "1", "v", "2"] })).toBe("b");
    expect(await who("/x/y", { headers: { v: "1" } })).toBe("a");
    expect(await who("/x/y?q=%C3%A4+b&q=c")).toBe("b");
    expect(await who("/x/y?q=c&q=%C3%A4+b")).toBe("a");
  });
});

describe("backends", () => {
  it("get their share; what is wrong is answered with 500", async () => {
    const port = await serve([
      route("", { backends: [to("a", { weight: 6 }), { weight: 3, protocol: "http1" }, to("b")] }),
    ]);
    const counts: Record<string, number> = {};
    for (let i = 0; i < 300; i++) {
      const { status, headers } = await call(port, "/");
      const who = String(headers["x-who"] ?? status);
      counts[who] = (counts[who] ?? 0) + 1;
    }
    expect(counts["a"]).toBeGreaterThan(137);
    // 180, 90 and 30 on average; five standard deviations less.
    expect(counts["500"]).toBeGreaterThan(50);
    expect(counts["b"]).toBeGreaterThan(4);
  });

  it("none at all is 500, none ready is 503, for gRPC both are UNAVAILABLE", async () => {
    const port = await serve([route("/none", { backends: [] }), route("/empty", { backends: [to("empty")] })]);
    expect((await call(port, "/none")).status).toBe(500);
    expect((await call(port, "/empty")).status).toBe(503);
    const grpc = { method: "POST" as const, headers: { "content-type": "application/grpc" } };
    expect((await call(port, "/none", grpc)).headers["grpc-status"]).toBe("14");
    expect((await call(port, "/empty", grpc)).headers["grpc-status"]).toBe("14");
    expect((await call(port, "/nowhere", grpc)).headers["grpc-status"]).toBe("12");
  });

  it("that take both are asked over HTTP/1.1, and need no HTTP/2", async () => {
    const port = await serve([route("", { backends: [to("a", { protocol: "both" })] })]);
    expect((await call(port, "/plain")).status).toBe(200);
    expect(a.requests.at(-1)?.url).toBe("/plain");
  });

  it("that take HTTP/2 get HTTP/2, with bodies of any size up to the limit", async () => {
    const port = await serve([route("", { backends: [to("h2", { protocol: "h2c" })] })]);
    expect(await call(port, "/q?x=1")).toMatchObject({ status: 200, text: "GET 0" });
    expect(h2Requests.at(-1)?.path).toBe("/q?x=1");
    for (const size of [10, 150_000])
      expect(await call(port, "/", { method: "POST", body: "x".repeat(size) })).toMatchObject({ text: `POST ${size}` });
    expect(await call(port, "/empty")).toMatchObject({ status: 204, text: "" });
    expect((await call(port, "/", { method: "POST", body: "x".repeat(200_001) })).status).toBe(413);
    const endless = async function* () {
      for (;;) yield "x".repeat(10_000);
    };
    const unannounced = await call(port, "/", { method: "POST", body: endless() as never });
    expect(unannounced.status).toBe(413);
  });
});

describe("filters", () => {
  const headers = (set: object[], add: object[] = [], remove: string[] = []) =>
    ({ set, add, remove }) as NonNullable<Route["requestHeaders"]>;

  it("change headers of requests and answers, for the route and then for the backend", async () => {
    const port = await serve([
      route("", {
        requestHeaders: headers([{ name: "x-set", value: "route" }], [{ name: "x-add", value: "2" }], ["x-gone"]),
        responseHeaders: headers([{ name: "x-who", value: "nobody" }], [{ name: "x-new", value: "1" }]),
        backends: [to("a", { requestHeaders: headers([{ name: "x-set", value: "backend" }]) })],
      }),
    ]);
    const answer = await call(port, "/", { headers: { "X-Set": "caller", "x-add": "1", "x-gone": "1" } });
    expect(answer.headers).toMatchObject({ "x-who": "nobody", "x-new": "1" });
    const got = a.requests.at(-1)?.headers;
    expect(got).toMatchObject({ "x-set": "backend", "x-add": "1,2" });
    expect(got).not.toHaveProperty("x-gone");
  });

  it("redirect, keeping what they do not name", async () => {
    const port = await serve(
      [
        route("/prefix", { redirect: { status: 302, path: { type: "prefix", value: "/new" } } }),
        route("/root", { redirect: { status: 307, path: { type: "prefix", value: "" } } }),
        route("/all", {
          redirect: { status: 308, scheme: "https", hostname: "o.example", path: { type: "full", value: "/f" } },
        }),
        route("/port", { redirect: { status: 301, port: 80 } }),
      ],
      { publicPort: 8080 },
    );
    const location = async (path: string) => {
      const { status, headers: answered } = await call(port, path, { headers: { host: "h.example:8080" } });
      return `${status} ${answered["location"]}`;
    };
    expect(await location("/prefix/a?q=1")).toBe("302 http://h.example:8080/new/a?q=1");
    expect(await location("/prefix")).toBe("302 http://h.example:8080/new");
    expect(await location("/root")).toBe("307 http://h.example:8080/");
    expect(await location("/all/x")).toBe("308 https://o.example/f");
    expect(await location("/port")).toBe("301 http://h.example/port");
  });

  it("rewrite path and host for the service", async () => {
    const port = await serve([
      route("/api", { rewrite: { hostname: "inner.example", path: { type: "prefix", value: "/v2" } } }),
      route("/full", { rewrite: { path: { type: "full", value: "/one" } } }),
    ]);
    await call(port, "/api/x?y=1");
    expect(a.requests.at(-1)).toMatchObject({ url: "/v2/x?y=1", headers: { host: "inner.example" } });
    await call(port, "/full/x?y=1", { headers: { host: "outer.example" } });
    expect(a.requests.at(-1)).toMatchObject({ url: "/one?y=1", headers: { host: "outer.example" } });
  });

  it("mirror requests with their bodies, as often as they say, over HTTP/1.1 and HTTP/2", async () => {
    const port = await serve([
      route("", {
        mirrors: [
          { service: "b", protocol: "http1", share: 1 },
          { service: "h2", protocol: "h2c", share: 1 },
          { service: "flaky", protocol: "http1", share: 0 },
        ],
      }),
    ]);
    const before = flaky.requests.length;
    expect(await call(port, "/copy", { method: "POST", body: "hello" })).toMatchObject({ status: 200, text: "hello" });
    await eventually(() => {
      expect(b.requests.at(-1)).toMatchObject({ method: "POST", url: "/copy", body: "hello" });
      expect(h2Requests.at(-1)).toMatchObject({ method: "POST", path: "/copy", body: "hello" });
    });
    expect(flaky.requests.length).toBe(before);
  });

  it("allow pages what a preflight asks for, where the route says anything goes", async () => {
    const cors = (allowCredentials: boolean) => ({
      allowOrigins: ["*"],
      allowMethods: ["*"],
      allowHeaders: ["*"],
      exposeHeaders: [],
      allowCredentials,
      maxAgeSeconds: 5,
    });
    const port = await serve([route("/any", { cors: cors(false) }), route("/cookies", { cors: cors(true) })]);
    const preflight = async (path: string) => {
      const asked = { "access-control-request-method": "PUT", "access-control-request-headers": "x-a, x-b" };
      const { headers: answered } = await call(port, path, {
        method: "OPTIONS",
        headers: { origin: "https://p.example", ...asked },
      });
      return ["origin", "methods", "headers"].map((name) => answered[`access-control-allow-${name}`]);
    };
    expect(await preflight("/any")).toEqual(["*", "PUT", "x-a, x-b"]);
    expect(await preflight("/cookies")).toEqual(["https://p.example", "PUT", "x-a, x-b"]);
  });
});

describe("attempts", () => {
  const retry = { codes: [500, 503], attempts: 2, backoffMs: 1 };

  it("are repeated for the codes that the route names, and no more often than it says", async () => {
    const port = await serve([route("", { backends: [to("flaky")], retry })]);
    answers = [500, 503];
    expect(await call(port, "/")).toMatchObject({ status: 200 });
    answers = [500, 500, 500, 500];
    expect(await call(port, "/")).toMatchObject({ status: 500, text: "500" });
    expect(answers).toEqual([500]);
    answers = [502, 502];
    expect(await call(port, "/")).toMatchObject({ status: 502 });
    answers = [500];
    expect(await call(port, "/", { method: "POST", body: "again" })).toMatchObject({ status: 200 });
    expect(flaky.requests.at(-1)?.body).toBe("again");
  });

  it("end after their time, and then count as failed", async () => {
    const port = await serve([
      route("/once", { backends: [to("flaky")], attemptTimeoutMs: 50 }),
      route("/again", { backends: [to("flaky")], attemptTimeoutMs: 50, retry }),
    ]);
    // The timers wait: an attempt that is to succeed has all the time that it needs.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const statusAfter = async (path: string, ms: number) => {
      answers = [0];
      const arrived = once(flaky.server, "request");
      const answering = call(port, path);
      await arrived;
      vi.advanceTimersByTime(ms);
      return (await answering).status;
    };
    expect(await statusAfter("/once", 50)).toBe(504);
    expect(await statusAfter("/again", 50 + retry.backoffMs)).toBe(200);
  });
});

describe("listeners of one port", () => {
  it("keep to their host names, also where they have no route for a path", async () => {
    const port = await serve([
      { hostname: "", routes: [route("", {})] },
      { hostname: "*.example.com", routes: [route("/wild", { hostname: "*.example.com", backends: [to("b")] })] },
    ]);
    const at = async (host: string, path: string) => {
      const { status, headers } = await call(port, path, { headers: { host } });
      return status === 200 ? headers["x-who"] : status;
    };
    expect(await at("other.org", "/wild")).toBe("a");
    expect(await at("x.example.com", "/wild")).toBe("b");
    expect(await at("x.example.com", "/other")).toBe(404);
  });

  it("refuse requests that came on the connection of another one with 421", async () => {
    const { cert, key } = selfSignedCertificate("one.example", "two.example");
    const context = createSecureContext({ cert, key });
    const port = await serve(
      [
        { hostname: "", routes: [route("", {})] },
        { hostname: "two.example", routes: [route("", { hostname: "two.example", backends: [to("b")] })] },
      ],
      { tls: { context: () => context } },
    );
    const at = (servername: string, host: string) =>
      new Promise((resolve, reject) => {
        const options = { ca: cert, servername, headers: { host }, checkServerIdentity: () => undefined, agent: false };
        https
          .get({ ...options, host: "127.0.0.1", port }, (answer) => resolve(answer.resume().statusCode))
          .on("error", reject);
      });
    expect(await at("one.example", "one.example")).toBe(200);
    expect(await at("two.example", "two.example")).toBe(200);
    expect(await at("one.example", "two.example")).toBe(421);
    expect(await at("two.example", "one.example")).toBe(421);
  });
});

describe("the gateway's own RPCs", () => {
  const check = { method: "POST" as const, body: "{}", headers: { "content-type": "application/json" } };

  it("answer where no route has their path, and leave it to a route that has", async () => {
    const free = await serve([route("/other", {})]);
    expect((await call(free, "/grpc.health.v1.Health/Check", check)).text).toContain("SERVING");
    const taken = await serve([route("", {})]);
    expect((await call(taken, "/grpc.health.v1.Health/Check", check)).headers["x-who"]).toBe("a");
  });
});
