import type { Endpoint } from "@plinth/discovery";
import { Fault, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { AuditService, Outcome } from "@plinth/proto/plinth/audit/v1/audit";
import { access, type CallContext, defineService } from "@plinth/rpc";
import { eventually, startTcpProxy } from "@plinth/testing";
import { startOpenServer } from "@plinth/testing/open-server";
import { afterEach, expect, test } from "vitest";
import { createClients } from "../src/index.ts";

const id = "01920000-0000-7000-8000-000000000001";
const record = { id, action: "a", actor: "b", outcome: Outcome.SUCCESS };
const cleanups: (() => Promise<unknown> | undefined)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type Answer = (context: CallContext) => Promise<object> | object;

/** A real server whose calls are all answered by `answer`; what they came with is kept, of those that write apart as well. */
async function startInstance(name: string, answer: Answer) {
  const calls: CallContext[] = [];
  const written: CallContext[] = [];
  const handle = async (_: unknown, context: CallContext) => {
    calls.push(context);
    return { source: name, ...(await answer(context)) };
  };
  const write = (request: unknown, context: CallContext) => {
    written.push(context);
    return handle(request, context);
  };
  const server = await startOpenServer([
    defineService(AuditService, {
      recordEntry: { access: access.public, handle: write },
      getEntry: { access: access.public, handle },
    } as never),
  ]);
  const stop = async (): Promise<void> => server.stop?.(AbortSignal.timeout(1_000));
  cleanups.push(stop);
  const endpoint: Endpoint = { instanceId: name, host: "127.0.0.1", port: server.port(), draining: false };
  return { calls, written, endpoint, stop };
}

function clientOf(endpoints: readonly Endpoint[], options: { hedgeAfterMs?: number } = {}) {
  const clients = createClients({
    resolver: {
      name: "resolver",
      watch(_, onChange) {
        onChange(endpoints);
        return { close() {} };
      },
    },
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
    // No deadline is what ends a call here, however slow the machine is.
    defaultTimeoutMs: 60_000,
  });
  cleanups.push(async () => clients.stop?.(AbortSignal.timeout(1_000)));
  return clients.get(AuditService, "audit", options);
}

const away = () => new Fault({ code: "unavailable", reason: "DATABASE_UNAVAILABLE", message: "away" });
const fail = (): never => {
  throw away();
};
/** Answers when the caller is gone. */
const hang: Answer = ({ signal }) =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve({}), { once: true }));

test("a read that takes too long is made elsewhere as well; what answers first counts, the other is cancelled", async () => {
  const slow = await startInstance("slow", hang);
  const quick = await startInstance("quick", () => ({}));
  const client = clientOf([slow.endpoint, quick.endpoint], { hedgeAfterMs: 20 });
  await eventually(async () => {
    expect((await client.getEntry({ id })).source).toBe("quick");
    expect(slow.calls.length).toBeGreaterThan(0);
  });
  await eventually(() => expect(slow.calls.every(({ signal }) => signal.aborted)).toBe(true));
});

test("only reads are hedged", async () => {
  const slow = await startInstance("slow", hang);
  const other = await startInstance("other", hang);
  const client = clientOf([slow.endpoint, other.endpoint], { hedgeAfterMs: 1 });
  const leaving = new AbortController();
  const options = { signal: leaving.signal };
  const count = (of: "calls" | "written") => slow[of].length + other[of].length;
  const write = client.recordEntry(record, options);
  await eventually(() => expect(count("written")).toBe(1));
  // By the time that a read which came after it is at both instances, the write would be as well.
  const read = client.getEntry({ id }, options);
  await eventually(() => expect(count("calls") - count("written")).toBe(2));
  leaving.abort();
  for (const call of [write, read]) await expect(call).rejects.toMatchObject({ code: "canceled" });
  expect(count("written")).toBe(1);
});

/** Where nobody listens any more. */
async function startDeadInstance(name: string): Promise<Endpoint> {
  const { endpoint, stop } = await startInstance(name, () => ({}));
  await stop();
  return endpoint;
}

test("instances that cannot be reached cost no attempt, not even when they are most of those that are listed", async () => {
  const dead = await Promise.all(Array.from({ length: 6 }, (_, i) => startDeadInstance(`dead-${i}`)));
  const alive = await startInstance("alive", () => ({}));
  const client = clientOf([...dead, alive.endpoint]);
  for (let i = 0; i < 10; i++) expect((await client.recordEntry(record)).source).toBe("alive");
});

test("when none can be reached, the list of the next ones is waited for, for a moment", async () => {
  const dead = await startDeadInstance("dead");
  const alive = await startInstance("alive", () => ({}));
  let change: (endpoints: readonly Endpoint[]) => void = () => {};
  const logger = {
    ...silentLogger,
    // When it is left alone, nobody else was known.
    warn: () => void setImmediate(() => change([alive.endpoint])),
  };
  const clients = createClients({
    resolver: {
      name: "resolver",
      watch(_, onChange) {
        change = onChange;
        onChange([dead]);
        return { close() {} };
      },
    },
    logger,
    clock: systemClock,
    random: systemRandom,
    defaultTimeoutMs: 60_000,
  });
  cleanups.push(async () => clients.stop?.(AbortSignal.timeout(1_000)));
  const client = clients.get(AuditService, "audit");
  // Five failures in a row, and it is left alone.
  const calls = Array.from({ length: 5 }, () => client.recordEntry(record));
  for (const { source } of await Promise.all(calls)) expect(source).toBe("alive");
});

test("a server that asks not to be called again is not", async () => {
  const a = await startInstance("a", ({ responseHeader }) => {
    responseHeader.set("grpc-retry-pushback-ms", "-1");
    return fail();
  });
  const client = clientOf([a.endpoint]);
  await expect(client.getEntry({ id })).rejects.toMatchObject({ reason: "DATABASE_UNAVAILABLE" });
  expect(a.calls).toHaveLength(1);
});

test("all attempts share one deadline", async () => {
  const a = await startInstance("a", fail);
  const client = clientOf([a.endpoint]);
  await expect(client.getEntry({ id }, { timeoutMs: 60_000 })).rejects.toMatchObject({ code: "unavailable" });
  const given = a.calls.map(({ requestHeader }) => Number.parseInt(requestHeader.get("grpc-timeout") ?? "", 10));
  expect(given).toHaveLength(3);
  expect(given).toEqual(given.toSorted((x, y) => y - x));
  expect(given[2]).toBeLessThan(given[0] as number);
});

test("a service that fails all its calls is spared most of them", async () => {
  const a = await startInstance("a", fail);
  const client = clientOf([a.endpoint]);
  const reasons: string[] = [];
  for (let i = 0; i < 200; i++) await client.recordEntry(record).catch((err: Fault) => void reasons.push(err.reason));
  expect(reasons).toHaveLength(200);
  const spared = reasons.filter((reason) => reason === "SERVICE_FAILING").length;
  expect(spared).toBeGreaterThan(60);
  // Three attempts at most of each that was made.
  expect(a.calls.length).toBeLessThanOrEqual(3 * (reasons.length - spared));
});

test("calls to a service that hangs are bounded, and go on when it has answered", async () => {
  const a = await startInstance("a", hang);
  const client = clientOf([a.endpoint]);
  const stop = new AbortController();
  const hanging = Array.from({ length: 1_024 }, () => client.getEntry({ id }, { signal: stop.signal }).catch(() => {}));
  await expect(client.getEntry({ id })).rejects.toMatchObject({ code: "resource_exhausted", reason: "CALLS_TOO_MANY" });
  stop.abort();
  await Promise.all(hanging);
  await expect(client.getEntry({ id }, { timeoutMs: 100 })).rejects.toMatchObject({ code: "deadline_exceeded" });
});

test("an instance whose connections are dropped is not taken for one that speaks HTTP/1.1 only", async () => {
  const a = await startInstance("a", () => ({}));
  const proxy = await startTcpProxy(`127.0.0.1:${a.endpoint.port}`);
  cleanups.push(() => proxy.close());
  const client = clientOf([{ ...a.endpoint, port: proxy.port }]);
  proxy.cut();
  await expect(client.getEntry({ id })).rejects.toMatchObject({ code: "unavailable" });
  proxy.heal();
  expect((await client.getEntry({ id })).source).toBe("a");
  expect(a.calls.map(({ requestHeader }) => requestHeader.get("content-type"))).toEqual(["application/grpc+proto"]);
});
