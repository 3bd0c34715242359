import { createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import {
  documentedMetrics,
  eventually,
  gathering,
  type Scraped,
  startHttp2Server,
  startScraping,
} from "@plinth/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EchoService, echoHandlers } from "./echo-service.ts";
import { service, startGateway, startTestAuth } from "./harness.ts";
import { startHttpUpstream } from "./upstream.ts";

const cleanups: (() => unknown)[] = [];
let scraped: Scraped;

beforeAll(async () => {
  scraped = await startScraping();
});
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await scraped.close();
});

it("shows every number of the gateway and of its calls, under the names that docs/metrics.md has", async () => {
  const auth = await startTestAuth();
  // All connections that there may be, at the same time.
  const everywhere = gathering(8);
  const handlers = {
    ...echoHandlers,
    async unary(request: { value: string }) {
      if (request.value === "x") await everywhere();
      return { value: request.value };
    },
  };
  const narrow = await startHttp2Server(
    connectNodeAdapter({ routes: (router) => router.service(EchoService, handlers as never) }),
    { streamsMax: 1 },
  );
  const broken = await startHttpUpstream((request) => request.socket.destroy());
  cleanups.push(
    () => auth.upstream.close(),
    () => narrow.close(),
    () => broken.close(),
  );
  const open = { authentication: "None" };
  const limited = { ...open, path: "/limited", rateLimit: { requests: 1, per: "1h", key: "Address" } };
  const running = await startGateway(
    [
      service("echo", [{ ...open, path: "/plinth.test.v1.EchoService/" }]),
      service("broken", [{ ...open, path: "/x" }, limited]),
    ],
    {
      auth: [auth.upstream.port],
      echo: [narrow.port],
      broken: [broken.port, { host: "127.0.0.1", port: 1, draining: false }],
    },
  );
  cleanups.push(() => running.stop(0));
  const client = createClient(EchoService, createGrpcTransport({ baseUrl: running.url })) as unknown as {
    unary(request: { value: string }): Promise<unknown>;
  };
  await client.unary({ value: "first" });
  await Promise.all(Array.from({ length: 60 }, () => client.unary({ value: "x" })));
  for (let i = 0; i < 2; i++) await (await fetch(`${running.url}/limited`)).text();

  const names = [...(await documentedMetrics("Calls to other services")), ...(await documentedMetrics("Gateway"))];
  const samples = await eventually(async () => {
    // Until both instances are ejected at the same time.
    await (await fetch(`${running.url}/x`)).text();
    const found = await scraped.read();
    const bare = [...found.keys()].map((sample) => sample.replace(/\{.*/, "").replace(/_(count|sum|bucket)$/, ""));
    for (const name of names) expect(bare).toContain(name);
    for (const name of bare) if (name.startsWith("plinth_")) expect(names).toContain(name);
    expect(found.get('plinth_balancer_panics_total{service="broken"}')).toBeGreaterThan(0);
    return found;
  });
  const value = (sample: string) => samples.get(sample) ?? 0;
  expect(value('plinth_balancer_connections{service="echo"}')).toBe(8);
  expect(value('plinth_balancer_queue_wait_duration_count{service="echo"}')).toBeGreaterThan(10);
  expect(value('plinth_balancer_ejections_total{service="broken",reason="failures"}')).toBeGreaterThan(0);
  expect(value('plinth_balancer_instances{service="auth",state="usable"}')).toBe(1);
});
