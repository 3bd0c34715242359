import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Endpoint } from "@plinth/discovery";
import { Fault, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import { access, type CallContext, defineService } from "@plinth/rpc";
import { documentedMetrics, eventually, type Scraped, startHttp2Server, startScraping } from "@plinth/testing";
import { startOpenServer } from "@plinth/testing/open-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClients } from "../src/index.ts";

const id = "01920000-0000-7000-8000-000000000001";
const cleanups: (() => unknown)[] = [];
let scraped: Scraped;

beforeAll(async () => {
  scraped = await startScraping();
});
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await scraped.close();
});

async function startInstance(instanceId: string, answer: (call: CallContext) => Promise<object>): Promise<Endpoint> {
  const handle = (_: unknown, call: CallContext) => answer(call);
  const server = await startOpenServer([
    defineService(AuditService, { getEntry: { access: access.public, handle } } as never),
  ]);
  cleanups.push(() => server.stop?.(AbortSignal.timeout(1_000)));
  return { instanceId, host: "127.0.0.1", port: server.port(), draining: false };
}

function clientsOf(services: Record<string, readonly Endpoint[]>) {
  const clients = createClients({
    resolver: {
      name: "resolver",
      watch(service, onChange) {
        onChange(services[service] ?? []);
        return { close() {} };
      },
    },
    ...{ logger: silentLogger, clock: systemClock, random: systemRandom, defaultTimeoutMs: 60_000 },
  });
  cleanups.push(() => clients.stop?.(AbortSignal.timeout(1_000)));
  return clients;
}

test("every number of calls to services is there, under the names that docs/metrics.md has", async () => {
  const failing = async ({ responseHeader }: CallContext) => {
    responseHeader.set("grpc-retry-pushback-ms", "1");
    throw new Fault({ code: "unavailable", reason: "DATABASE_UNAVAILABLE", message: "away" });
  };
  const slow = async ({ signal }: CallContext) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return {};
  };
  const narrow = await startHttp2Server(
    connectNodeAdapter({
      routes: (router) => router.service(AuditService, { getEntry: async () => ({}) }),
    }),
    { streamsMax: 1 },
  );
  cleanups.push(() => narrow.close());
  const far = Array.from({ length: 120 }, (_, i) => ({ ...one(i), draining: i % 2 === 0 }));
  const clients = clientsOf({
    failing: [await startInstance("a", failing), await startInstance("b", failing)],
    slow: [await startInstance("a", slow), await startInstance("b", async () => ({}))],
    narrow: [{ instanceId: "n", host: "127.0.0.1", port: narrow.port, draining: false }],
    far,
  });
  const call = (service: string, options = {}) =>
    clients
      .get(AuditService, service, options)
      .getEntry({ id })
      .catch(() => {});
  for (let i = 0; i < 60; i++) await call("failing");
  for (let i = 0; i < 10; i++) await call("slow", { hedgeAfterMs: 5 });
  await Promise.all(Array.from({ length: 100 }, () => call("narrow")));
  clients.get(AuditService, "far");

  const names = [
    ...(await documentedMetrics("Calls to other services")),
    ...(await documentedMetrics("Clients of services")),
    ...(await documentedMetrics("RPCs served")),
  ];
  expect(names.length).toBeGreaterThan(12);
  const heldBack = (service: string) => `plinth_client_breaker_held_back_ratio{service="${service}"}`;
  const samples = await eventually(async () => {
    // What failed is forgotten after ten seconds.
    for (let i = 0; i < 20; i++) await call("failing");
    const found = await scraped.read();
    expect(found.get(heldBack("failing"))).toBeGreaterThan(0);
    const bare = [...found.keys()].map((sample) => sample.replace(/\{.*/, "").replace(/_(count|sum|bucket)$/, ""));
    for (const name of names) expect(bare).toContain(name);
    for (const name of bare) if (/^plinth_|^rpc_/.test(name)) expect(names).toContain(name);
    return found;
  });
  const value = (sample: string) => samples.get(sample) ?? 0;
  const [usable, ejected] = ["usable", "ejected"].map((state) =>
    value(`plinth_balancer_instances{service="failing",state="${state}"}`),
  ) as [number, number];
  expect(usable + ejected).toBe(2);
  expect(value('plinth_balancer_ejections_total{service="failing",reason="failures"}')).toBeGreaterThan(0);
  expect(value('plinth_balancer_panics_total{service="failing"}')).toBeGreaterThan(0);
  expect(value('plinth_balancer_instances{service="far",state="left_out"}')).toBe(70);
  expect(value('plinth_balancer_connections{service="narrow"}')).toBe(8);
  expect(value('plinth_balancer_queue_wait_duration_count{service="narrow"}')).toBeGreaterThan(10);
  expect(value('plinth_client_attempts_repeated_total{service="slow",reason="hedge"}')).toBeGreaterThan(0);
  expect(value('plinth_client_attempts_repeated_total{service="failing",reason="unavailable"}')).toBeGreaterThan(0);
  expect(value('plinth_client_push_backs_total{service="failing",wish="wait"}')).toBeGreaterThan(0);
  expect(value(heldBack("slow"))).toBe(0);
  expect(value('plinth_client_calls_held_back_total{service="failing",reason="failing"}')).toBeGreaterThan(0);
});

const one = (i: number): Endpoint => ({ instanceId: `i${i}`, host: "127.0.0.1", port: 1, draining: false });
