import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createHealth, silentLogger, systemClock } from "@plinth/kernel";
import { createSeededRandom, eventually } from "@plinth/testing";
import { request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RouteTable } from "../src/data/route-table.ts";
import { createDataPlane, type DataPlane, type OpenPort } from "../src/data-plane.ts";
import { EchoService } from "./echo-service.ts";
import { TestResolver, tableRoute, to, tokenAudience, tokenIssuer } from "./harness.ts";
import { startHttpUpstream, startRpcUpstream, type Upstream } from "./upstream.ts";

/** Behind a Service's name a mesh finds instances by the host that a request names, so it must be that name. */
let web: Upstream;
let rpc: Upstream;
/** Records what copies name as their host. */
let copies: http2.Http2Server;
const copied: unknown[] = [];
let plane: DataPlane;
let port: OpenPort;

beforeAll(async () => {
  web = await startHttpUpstream();
  rpc = await startRpcUpstream();
  copies = http2.createServer();
  copies.on("stream", (stream: http2.ServerHttp2Stream, headers) => {
    copied.push(headers[":authority"]);
    stream.respond({ ":status": 204 }, { endStream: true });
  });
  await new Promise<void>((resolve) => copies.listen(0, "127.0.0.1", resolve));
  const resolver = new TestResolver();
  const byName = (service: string, at: number) =>
    resolver.set(service, { host: "localhost", port: at, draining: false, byName: true });
  byName("web", web.port);
  byName("rpc", rpc.port);
  byName("copies", (copies.address() as AddressInfo).port);
  plane = createDataPlane({
    ...{ resolver, tokenIssuer, tokenAudience },
    authService: "auth",
    health: createHealth(),
    logger: silentLogger,
    clock: systemClock,
    random: createSeededRandom(7),
    drainDelayMs: 0,
  });
  plane.setServices(["web", "rpc", "copies"]);
  const table = RouteTable.of([
    tableRoute("web", "/web"),
    tableRoute("web", "/other", { rewrite: { hostname: "inner.example" } }),
    tableRoute("web", "/copied", { mirrors: [{ service: "copies", protocol: "h2c", share: 1 }] }),
    tableRoute("rpc", "/plinth.test.v1.EchoService", { backends: [to("rpc", { protocol: "h2c" })] }),
  ]);
  port = plane.open({ host: "127.0.0.1", port: 0, table: () => table, localLast: true });
  await port.start();
});

afterAll(async () => {
  await port.stop(AbortSignal.timeout(100));
  for (const part of [...plane.beforeRoutes, ...plane.afterRoutes]) await part.stop?.(AbortSignal.timeout(1_000));
  await Promise.all([web.close(), rpc.close()]);
  await new Promise((resolve) => copies.close(resolve));
});

async function hostsSeen(path: string) {
  const headers = { host: "shop.example" };
  const answer = await request(`http://127.0.0.1:${port.port()}${path}`, { headers });
  expect(answer.statusCode).toBe(200);
  await answer.body.dump();
  const seen = web.requests.at(-1)?.headers;
  return [seen?.host, seen?.["x-forwarded-host"]];
}

test("a request over HTTP/1.1 names the Service, and tells what the caller named", async () => {
  expect(await hostsSeen("/web/x")).toEqual([`localhost:${web.port}`, "shop.example"]);
});

test("a route that names a host itself is obeyed", async () => {
  expect(await hostsSeen("/other/x")).toEqual(["inner.example", "shop.example"]);
});

test("a call over HTTP/2 names the Service", async () => {
  const client = createClient(EchoService, createGrpcTransport({ baseUrl: `http://127.0.0.1:${port.port()}` }));
  await (client as unknown as { unary(message: object): Promise<unknown> }).unary({ value: "x" });
  const { headers } = rpc.requests.at(-1) ?? {};
  expect(headers?.[":authority"] ?? headers?.host).toBe(`localhost:${rpc.port}`);
});

test("a copy names the Service that it goes to", async () => {
  await hostsSeen("/copied/x");
  await eventually(() => expect(copied).toEqual([`localhost:${(copies.address() as AddressInfo).port}`]));
});
