import { connectNodeAdapter } from "@connectrpc/connect-node";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import { LogService } from "@plinth/proto/plinth/audit/v1/log";
import { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import { eventually, type Http2ServerOptions, startHttp2Server, startTcpProxy } from "@plinth/testing";
import { afterEach, expect, test } from "vitest";
import { createHttp2Sessions, type PooledSession, StreamsFull } from "../src/http2.ts";
import { createClients } from "../src/index.ts";

const id = "01920000-0000-7000-8000-000000000001";
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A server of the two services, and clients of it alone. `held`: answers that wait for `release`. */
async function start(options: Http2ServerOptions) {
  const held: (() => void)[] = [];
  const seen: string[] = [];
  let holds = false;
  const answer = async (text: string) => {
    seen.push(text);
    if (holds) await new Promise<void>((resolve) => held.push(resolve));
    return {};
  };
  const server = await startHttp2Server(
    connectNodeAdapter({
      routes(router) {
        router.service(AuditService, {
          getEntry: () => answer("read"),
        });
        router.service(AuthService, { issueServiceToken: ({ clientId }) => answer(clientId) });
        router.service(LogService, {
          async *exportEntries() {
            await answer("stream");
            yield { lines: new Uint8Array([1]) };
          },
        });
      },
    }),
    options,
  );
  cleanups.push(() => server.close());
  const clients = createClients({
    resolver: {
      name: "resolver",
      watch(_, onChange) {
        onChange([{ instanceId: "one", host: "127.0.0.1", port: server.port, draining: false }]);
        return { close() {} };
      },
    },
    ...{ logger: silentLogger, clock: systemClock, random: systemRandom },
    defaultTimeoutMs: 100_000,
  });
  cleanups.push(async () => clients.stop?.(AbortSignal.timeout(1_000)));
  return {
    server,
    seen,
    held,
    hold: () => {
      holds = true;
    },
    release() {
      holds = false;
      for (const go of held.splice(0)) go();
    },
    audit: clients.get(AuditService, "audit"),
    log: clients.get(LogService, "audit"),
    /** A call that may not be made twice. */
    once: async (name: string) =>
      void (await clients.get(AuthService, "audit").issueServiceToken({ clientId: name, clientSecret: "s" })),
  };
}

async function read(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const message of messages) expect(message).toBeDefined();
}

test("calls beyond what a connection carries get another, up to the limit, and wait for a place after that", async () => {
  const { audit, server, held, hold, release, seen } = await start({ streamsMax: 2 });
  hold();
  const calls = Array.from({ length: 40 }, () => audit.getEntry({ id }));
  await eventually(() => expect(held).toHaveLength(16));
  await eventually(() => expect(server.openNow()).toBe(8));
  await expect(audit.getEntry({ id }, { timeoutMs: 200 })).rejects.toMatchObject({ code: "deadline_exceeded" });
  const leaving = new AbortController();
  const left = audit.getEntry({ id }, { signal: leaving.signal });
  leaving.abort();
  await expect(left).rejects.toMatchObject({ code: "canceled" });
  expect(held).toHaveLength(16);
  release();
  await Promise.all(calls);
  expect(server.openNow()).toBe(8);
  expect(server.streamsSeen()).toBe(2);
  // Neither who was late nor who left was carried out.
  expect(seen).toHaveLength(40);
});

test("streams take places as well, and give them back", async () => {
  const { log, audit, server } = await start({ streamsMax: 1 });
  for (let i = 0; i < 20; i++) {
    for await (const { lines } of log.exportEntries({})) expect(lines).toHaveLength(1);
    await audit.getEntry({ id });
  }
  expect(server.streamsSeen()).toBe(1);
  await Promise.all(Array.from({ length: 30 }, () => read(log.exportEntries({}))));
  await eventually(() => expect(server.openNow()).toBeLessThanOrEqual(8));
});

test("when the queue is full as well a call fails and says so", async () => {
  const { audit, held, hold, release } = await start({ streamsMax: 1 });
  hold();
  const calls = Array.from({ length: 8 + 256 }, () => audit.getEntry({ id }));
  await eventually(() => expect(held).toHaveLength(8));
  await expect(audit.getEntry({ id })).rejects.toMatchObject({
    code: "resource_exhausted",
    reason: "CONNECTIONS_FULL",
  });
  release();
  await Promise.all(calls);
});

test.each([
  ["calls", ({ once }: Awaited<ReturnType<typeof start>>, name: string) => once(name)],
  [
    "streams",
    async ({ log }: Awaited<ReturnType<typeof start>>) => {
      for await (const { lines } of log.exportEntries({})) expect(lines).toHaveLength(1);
    },
  ],
])("no %s are lost or made twice when connections go away under load", async (_, call) => {
  const started = await start({ streamsMax: 20, goAwayAfter: 15 });
  let next = 0;
  const worker = async () => {
    while (next < 300) await call(started, `${next++}`);
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  expect(started.seen).toHaveLength(next);
  expect(started.server.sessions.length).toBeGreaterThan(300 / 15 - 1);
});

test("what a connection that ends in error had not processed is made again, what it had is not", async () => {
  const { audit, once, seen, hold, held, release, server } = await start({ goAwayAfter: 2, goAwayCode: 11 });
  await audit.getEntry({ id });
  hold();
  // The second request of the connection ends it: that one may have been carried out, the one after it was not touched.
  const outcomes = Promise.allSettled(["a", "b"].map(once));
  await eventually(() => expect(held).toHaveLength(2));
  release();
  expect(await outcomes).toMatchObject([
    { status: "rejected", reason: { code: "unavailable" } },
    { status: "fulfilled" },
  ]);
  expect(seen).toEqual(["read", "a", "b"]);
  expect(server.sessions).toHaveLength(2);
});

test("connections that are not needed any more close, but for one", async () => {
  const server = await startHttp2Server((_request, response) => response.end(), { streamsMax: 1 });
  cleanups.push(() => server.close());
  const sessions = createHttp2Sessions({
    authority: `http://127.0.0.1:${server.port}`,
    clock: systemClock,
    idleMs: 20,
  });
  cleanups.push(() => sessions.destroy());
  const places: PooledSession[] = [];
  const refused: Error[] = [];
  const waiter = {
    onSession: (place: PooledSession) => void places.push(place),
    onUnavailable: (err: Error) => void refused.push(err),
  };
  for (let i = 0; i < 8 + 256; i++) sessions.wait({ ...waiter });
  await eventually(() => expect(places).toHaveLength(8));
  expect(sessions.counts()).toEqual({ open: 8, waiting: 256 });
  sessions.wait(waiter);
  expect(refused).toEqual([expect.any(StreamsFull)]);
  while (places.length > 0) sessions.release(places.shift() as PooledSession);
  await eventually(() => expect(sessions.counts()).toEqual({ open: 1, waiting: 0 }));
  expect(sessions.take()).toBeDefined();
});

test("a further connection that did not come about is tried again while somebody waits, whoever is on the others", async () => {
  const server = await startHttp2Server((_request, response) => response.end(), { streamsMax: 1 });
  cleanups.push(() => server.close());
  const proxy = await startTcpProxy(`127.0.0.1:${server.port}`);
  cleanups.push(() => proxy.close());
  const sessions = createHttp2Sessions({ authority: `http://127.0.0.1:${proxy.port}`, clock: systemClock });
  cleanups.push(() => sessions.destroy());
  const places: PooledSession[] = [];
  const wait = () => sessions.wait({ onSession: (place) => void places.push(place), onUnavailable: () => {} });
  wait();
  await eventually(() => expect(places).toHaveLength(1));
  proxy.block();
  wait();
  await eventually(() => expect(proxy.accepted).toBeGreaterThan(1));
  proxy.heal();
  await eventually(() => expect(places).toHaveLength(2));
  expect(places[1]).not.toBe(places[0]);
});

test("an instance that cannot be reached fails those who wait, and is tried again by the next", async () => {
  const server = await startHttp2Server((_request, response) => response.end());
  const { port } = server;
  server.close();
  const sessions = createHttp2Sessions({ authority: `http://127.0.0.1:${port}`, clock: systemClock });
  cleanups.push(() => sessions.destroy());
  const fail = () => new Promise((resolve) => sessions.wait({ onSession: resolve, onUnavailable: resolve }));
  for (let i = 0; i < 2; i++) expect(await fail()).toMatchObject({ code: "ECONNREFUSED" });
  await expect(sessions.connected()).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
