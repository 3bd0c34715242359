import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import type { Endpoint } from "@plinth/discovery";
import { type Clock, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import { access, type CallContext, defineService } from "@plinth/rpc";
import { createFakeClock } from "@plinth/testing";
import { startOpenServer } from "@plinth/testing/open-server";
import { afterEach, describe, expect, test } from "vitest";
import { createClients, forward } from "../src/index.ts";

const id = "01920000-0000-7000-8000-000000000001";
const cleanups: (() => Promise<unknown> | undefined)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A service that answers by `next`, on a free port. */
async function startHop(next: (call: CallContext) => Promise<unknown>, clock: Clock = systemClock): Promise<number> {
  const handle = async (_: unknown, call: CallContext) => {
    await next(call);
    return {};
  };
  const server = await startOpenServer(
    [defineService(AuditService, { getEntry: { access: access.public, handle } } as never)],
    { clock },
  );
  cleanups.push(async () => server.stop?.(AbortSignal.timeout(1_000)));
  return server.port();
}

function clientOf(port: number, defaultTimeoutMs?: number) {
  const endpoint: Endpoint = { instanceId: "one", host: "127.0.0.1", port, draining: false };
  const clients = createClients({
    resolver: {
      name: "resolver",
      watch(_, onChange) {
        onChange([endpoint]);
        return { close() {} };
      },
    },
    ...{ logger: silentLogger, clock: systemClock, random: systemRandom },
    ...(defaultTimeoutMs === undefined ? {} : { defaultTimeoutMs }),
  });
  cleanups.push(async () => clients.stop?.(AbortSignal.timeout(1_000)));
  return clients.get(AuditService, "audit");
}

/** Three services, each of which calls the next one. `left`: what each was given, the outermost first. */
async function startChain(defaultTimeoutMs?: number): Promise<{ port: number; left: number[] }> {
  const left: number[] = [];
  const inner = await startHop(async (call) => void left.push(call.timeLeftMs()));
  const toInner = clientOf(inner, defaultTimeoutMs);
  const middle = await startHop(async (call) => {
    left.push(call.timeLeftMs());
    await toInner.getEntry({ id }, forward(call));
  });
  const toMiddle = clientOf(middle, defaultTimeoutMs);
  const port = await startHop(async (call) => {
    left.push(call.timeLeftMs());
    await toMiddle.getEntry({ id }, forward(call));
  });
  return { port, left };
}

const by = (transport: (baseUrl: string) => Transport) => async (port: number, timeoutMs: number) => {
  await createClient(AuditService, transport(`http://127.0.0.1:${port}`)).getEntry({ id }, { timeoutMs });
};

describe.each([
  ["Connect over HTTP/1.1", by((baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }))],
  ["Connect over HTTP/2", by((baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" }))],
  ["gRPC", by((baseUrl) => createGrpcTransport({ baseUrl }))],
  ["gRPC-web", by((baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }))],
  [
    "REST",
    async (port: number, timeoutMs: number) => {
      const headers = { "x-server-timeout": String(timeoutMs / 1000) };
      expect((await fetch(`http://127.0.0.1:${port}/audit/v1/entries/${id}`, { headers })).status).toBe(200);
    },
  ],
] as const)("a deadline that came by %s", (_, call) => {
  test("is passed on through three services, less at each", async () => {
    const { port, left } = await startChain(60_000);
    await call(port, 20_000);
    expect(left).toHaveLength(3);
    const [outer, middle, inner] = left as [number, number, number];
    expect(outer).toBeLessThanOrEqual(20_000);
    expect(middle).toBeLessThan(outer);
    expect(inner).toBeLessThan(middle);
    expect(inner).toBeGreaterThan(1_000);
  });

  test("is cut to what a client gives by itself", async () => {
    const { port, left } = await startChain(20_000);
    await call(port, 60_000);
    expect(left[0]).toBeGreaterThan(20_000);
    expect(left[1]).toBeLessThanOrEqual(20_000);
    expect(left[2]).toBeLessThan(left[1] as number);
  });
});

test("a deadline that has passed is not sent", async () => {
  let calls = 0;
  const inner = clientOf(await startHop(async () => void calls++));
  const outcome = Promise.withResolvers<unknown>();
  const clock = createFakeClock();
  const port = await startHop(async (call) => {
    // Nobody has noticed, neither a timer nor the caller: only the time is over.
    clock.advance(60_000);
    expect(call.timeLeftMs()).toBeLessThan(1);
    await inner.getEntry({ id }, forward(call)).then(outcome.resolve, outcome.resolve);
  }, clock);
  const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` });
  await createClient(AuditService, transport).getEntry({ id }, { timeoutMs: 60_000 });
  expect(await outcome.promise).toMatchObject({ code: "deadline_exceeded", reason: "DEADLINE_EXCEEDED" });
  expect(calls).toBe(0);
});

test("callers who leave too little time do not make an instance look broken", async () => {
  let hangs = true;
  const port = await startHop(async ({ signal }) => {
    if (hangs) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  const client = clientOf(port);
  const hurried = { signal: new AbortController().signal, timeLeftMs: () => 5, requestId: "r" } as CallContext;
  for (let i = 0; i < 40; i++)
    await expect(client.getEntry({ id }, forward(hurried))).rejects.toMatchObject({ code: "deadline_exceeded" });
  hangs = false;
  // A service that counted as failing would be spared most of these.
  for (let i = 0; i < 40; i++) await client.getEntry({ id });
});
