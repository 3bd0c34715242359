import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createNetServer } from "node:net";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Endpoint, Resolver } from "@plinth/discovery";
import { type Clock, Fault, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { AuditService, Outcome } from "@plinth/proto/plinth/audit/v1/audit";
import { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import { access, defineService, type RpcServer, type ServiceRoutes } from "@plinth/rpc";
import { eventually, gathering } from "@plinth/testing";
import { startOpenServer } from "@plinth/testing/open-server";
import { afterEach, describe, expect, test } from "vitest";
import { createClients } from "../src/index.ts";

const id = "01920000-0000-7000-8000-000000000001";
const record = { id, action: "a", actor: "b", outcome: Outcome.SUCCESS };
const cleanups: (() => Promise<unknown> | undefined)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Instance {
  endpoint: Endpoint;
  calls: string[];
  server: RpcServer;
}

/** A real server; `fail` makes its answers faults, and `hold` lets the reading of an entry wait. */
async function startInstance(
  name: string,
  fail: (rpc: string) => Fault | undefined = () => undefined,
  hold: () => Promise<void> = async () => {},
): Promise<Instance> {
  const calls: string[] = [];
  const answer = (rpc: string) => {
    calls.push(rpc);
    const fault = fail(rpc);
    if (fault) throw fault;
    return { id, source: name };
  };
  const server = await startOpenServer([
    defineService(AuditService, {
      recordEntry: { access: access.public, handle: async () => answer("recordEntry") },
      getEntry: {
        access: access.public,
        handle: async (_, context) => {
          const entry = answer("getEntry");
          await hold();
          return { ...entry, actor: context.requestHeader.get("x-plinth-workload-token") ?? "" };
        },
      },
      listEntries: { access: access.public, handle: async () => ({ entries: [answer("listEntries")] }) },
    }),
    answerAll(AuthService, answer),
  ]);
  cleanups.push(async () => server.stop?.(AbortSignal.timeout(1_000)));
  return { calls, server, endpoint: { instanceId: name, host: "127.0.0.1", port: server.port(), draining: false } };
}

/** Every RPC of a service answered alike. */
function answerAll(service: DescService, answer: (rpc: string) => object): ServiceRoutes {
  const route = (method: DescMethod) =>
    [method.localName, { access: access.public, handle: async () => answer(method.localName) }] as const;
  return { service, routes: new Map(service.methods.map(route)) };
}

/** A resolver whose answer the test changes. */
function changingResolver(initial: readonly Endpoint[]): Resolver & { set(endpoints: readonly Endpoint[]): void } {
  const listeners = new Set<(endpoints: readonly Endpoint[]) => void>();
  let now = initial;
  return {
    name: "test",
    watch(_, onChange) {
      listeners.add(onChange);
      onChange(now);
      return { close: () => void listeners.delete(onChange) };
    },
    set(endpoints) {
      now = endpoints;
      for (const listener of listeners) listener(endpoints);
    },
  };
}

function auditClient(resolver: Resolver) {
  return allClients(resolver).get(AuditService, "audit");
}

function allClients(resolver: Resolver, clock: Clock = systemClock) {
  const clients = createClients({
    ...{ logger: silentLogger, resolver, clock, random: systemRandom },
    workloadToken: async () => "my-token",
    // No deadline is what ends a call here, however slow the machine is.
    defaultTimeoutMs: 60_000,
  });
  cleanups.push(async () => clients.stop?.(AbortSignal.timeout(1_000)));
  return clients;
}

const dead: Endpoint = { instanceId: "dead", host: "127.0.0.1", port: 1, draining: false };
const away = new Fault({ code: "unavailable", reason: "DATABASE_UNAVAILABLE", message: "away", retryAfterMs: 500 });

describe("typed clients", () => {
  test("spread calls over the instances and bring the workload token", async () => {
    const here = gathering(40);
    const [a, b] = await Promise.all([startInstance("a", undefined, here), startInstance("b", undefined, here)]);
    const client = auditClient(changingResolver([a.endpoint, b.endpoint]));
    const answers = await Promise.all(Array.from({ length: 40 }, () => client.getEntry({ id })));
    expect(new Set(answers.map((entry) => entry.actor))).toEqual(new Set(["my-token"]));
    expect(Math.min(a.calls.length, b.calls.length)).toBeGreaterThan(5);
  });

  test("go around an instance that cannot be reached, also for calls that may not be repeated", async () => {
    const a = await startInstance("a");
    const client = auditClient(changingResolver([dead, a.endpoint]));
    for (let i = 0; i < 20; i++) expect((await client.recordEntry(record)).source).toBe("a");
    expect(a.calls).toHaveLength(20);
  });

  test("repeat an idempotent call and leave any other alone", async () => {
    const broken = await startInstance("broken", () => away);
    const fine = await startInstance("fine");
    const resolver = changingResolver([broken.endpoint]);
    const clients = allClients(resolver);
    const create = clients.get(AuthService, "audit").issueServiceToken({ clientId: "c", clientSecret: "s" });
    await expect(create).rejects.toMatchObject({
      code: "unavailable",
      reason: "DATABASE_UNAVAILABLE",
      retryAfterMs: 500,
    });
    expect(broken.calls).toEqual(["issueServiceToken"]);
    resolver.set([broken.endpoint, fine.endpoint]);
    for (let i = 0; i < 10; i++)
      expect((await clients.get(AuditService, "audit").getEntry({ id })).source).toBe("fine");
  });

  test("an error of the service arrives as a fault and is not repeated", async () => {
    const a = await startInstance(
      "a",
      () => new Fault({ code: "not_found", reason: "ENTRY_NOT_FOUND", message: "no such entry", details: { id } }),
    );
    const client = auditClient(changingResolver([a.endpoint]));
    await expect(client.getEntry({ id })).rejects.toMatchObject({
      code: "not_found",
      reason: "ENTRY_NOT_FOUND",
      message: "no such entry",
      details: { id },
    });
    expect(a.calls).toHaveLength(1);
  });

  test("a draining instance gets nothing while another serves", async () => {
    const [a, b] = await Promise.all([startInstance("a"), startInstance("b")]);
    const client = auditClient(changingResolver([{ ...a.endpoint, draining: true }, b.endpoint]));
    for (let i = 0; i < 10; i++) await client.getEntry({ id });
    expect(a.calls).toEqual([]);
  });

  test("without any instance the call fails with what to do, and succeeds when one comes in time", async () => {
    const a = await startInstance("a");
    const resolver = changingResolver([]);
    const waits = Promise.withResolvers<void>();
    const sleep: Clock["sleep"] = (ms, signal) => {
      waits.resolve();
      return systemClock.sleep(ms, signal);
    };
    const client = allClients(resolver, { ...systemClock, sleep }).get(AuditService, "audit");
    const pending = client.getEntry({ id });
    await waits.promise;
    resolver.set([a.endpoint]);
    expect((await pending).source).toBe("a");
    resolver.set([]);
    await expect(client.getEntry({ id })).rejects.toMatchObject({ code: "unavailable", reason: "SERVICE_UNAVAILABLE" });
  });

  test("no call fails while an instance drains, stops and another takes over", async () => {
    const [a, b] = await Promise.all([startInstance("a"), startInstance("b")]);
    const resolver = changingResolver([a.endpoint, b.endpoint]);
    const client = auditClient(resolver);
    let running = true;
    const load = Promise.all(
      Array.from({ length: 4 }, async () => {
        let made = 0;
        for (; running; made++) await client.recordEntry(record);
        return made;
      }),
    );
    await eventually(() => expect(a.calls.length).toBeGreaterThan(20));
    resolver.set([{ ...a.endpoint, draining: true }, b.endpoint]);
    await a.server.stop?.(AbortSignal.timeout(60_000));
    resolver.set([b.endpoint]);
    const before = b.calls.length;
    await eventually(() => expect(b.calls.length).toBeGreaterThan(before + 20));
    running = false;
    const made = (await load).reduce((sum, n) => sum + n, 0);
    expect(a.calls.length + b.calls.length).toBe(made);
  });
});

describe("HTTP/1.1 fallback", () => {
  test("is taken when something answers that does not speak HTTP/2", async () => {
    const seen: string[] = [];
    const handler = connectNodeAdapter({
      routes: (router) => void router.service(AuditService, { getEntry: () => ({ id, source: "http1" }) }),
    });
    const server: Server = createServer((request, response) => {
      seen.push(`${request.httpVersion} ${request.headers["content-type"]}`);
      handler(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    cleanups.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    const client = auditClient(
      changingResolver([
        { instanceId: "h1", host: "127.0.0.1", port: (server.address() as AddressInfo).port, draining: false },
      ]),
    );
    expect((await client.getEntry({ id })).source).toBe("http1");
    expect((await client.getEntry({ id })).source).toBe("http1");
    // The first asks whether HTTP/1.1 passes at all.
    expect(seen).toEqual(["1.1 undefined", "1.1 application/json", "1.1 application/json"]);
  });

  test("a black hole is given up within the connect time-out, and another instance answers", async () => {
    const hole = createNetServer(() => {});
    await new Promise<void>((resolve) => hole.listen(0, "127.0.0.1", () => resolve()));
    cleanups.push(async () => void hole.close());
    const a = await startInstance("a");
    const client = auditClient(
      changingResolver([
        { instanceId: "hole", host: "127.0.0.1", port: (hole.address() as AddressInfo).port, draining: false },
        a.endpoint,
      ]),
    );
    for (let i = 0; i < 6; i++) expect((await client.recordEntry(record)).source).toBe("a");
  });
});
