import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { Client, credentials } from "@grpc/grpc-js";
import { type ClientOptions, createClients } from "@plinth/clients";
import { createStaticResolver, type Resolver } from "@plinth/discovery";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { AuditService, EntrySchema, GetEntryRequestSchema } from "@plinth/proto/plinth/audit/v1/audit";
import { startTcpProxy, type TcpProxy } from "@plinth/testing";
import { discoveryOf } from "./discovery-of.ts";
import { startPostgresRegistry } from "./postgres-registry.ts";
import { printTable } from "./table.ts";
import { until } from "./until.ts";

const id = "01920000-0000-7000-8000-000000000001";
const instances = 4;
const callsPerSecond = 100;
const timeoutMs = 1_000;
const workMs = 2;

interface Instance {
  server: Http2Server;
  proxy: TcpProxy;
  failing: boolean;
  calls: number;
}

interface Contender {
  name: string;
  call(): Promise<unknown>;
  close(): Promise<void> | void;
}

/** The same with the instances in a PostgreSQL registry, which is stopped at that second: what the clients know stays true, or not. */
const withoutRegistry: typeof scenarios = {
  "the registry is away": () => {},
  "the registry is away, and one instance as well": ([one]) => one?.proxy.cut(),
};

/** What goes wrong a second after the calls begin, and stays so. */
const scenarios: Record<string, (all: readonly Instance[]) => Promise<void> | void> = {
  "nothing wrong": () => {},
  "one drops everything": ([one]) => one?.proxy.freeze(),
  "one resets connections": ([one]) => one?.proxy.cut(),
  "one takes 400 ms longer": ([one]) => one?.proxy.delay(200),
  "one says UNAVAILABLE": ([one]) => {
    if (one) one.failing = true;
  },
  "all take 100 ms longer": (all) => {
    for (const { proxy } of all) proxy.delay(50);
  },
  "all restart, one by one": async (all) => {
    for (const one of all) await restart(one);
  },
};

/**
 * Clients against four instances of which something goes wrong: each client alone with servers of its own, reads (idempotent)
 * at a fixed rate, deadline one second. The plain ones are as people write them: connect-node with four transports in turn,
 * grpc-js with round_robin over four addresses.
 */
export async function benchFaults(seconds: number): Promise<void> {
  for (const [name, goWrong] of Object.entries(scenarios)) {
    const rows = [];
    for (const open of [openPlinth, openHedged, openConnect, openGrpcJs]) {
      const all = await Promise.all(Array.from({ length: instances }, startInstance));
      const contender = open(all.map(({ proxy }) => proxy.port));
      rows.push(await run(contender, all, goWrong, seconds));
      await contender.close();
      await Promise.all(all.map(stop));
    }
    printTable(`${name}; ${callsPerSecond} reads a second, deadline ${timeoutMs} ms`, rows);
  }
  for (const [name, goWrong] of Object.entries(withoutRegistry)) await benchWithoutRegistry(name, goWrong, seconds);
  process.stdout.write("Left out: TLS, real networks, streams, calls that may not be repeated.\n");
}

/** Plinth's clients alone: connect-node and grpc-js have no registry as people write them. */
async function benchWithoutRegistry(name: string, goWrong: (typeof scenarios)[string], seconds: number): Promise<void> {
  const store = await startPostgresRegistry();
  const all = await Promise.all(Array.from({ length: instances }, startInstance));
  const { registry, resolver } = await discoveryOf("postgres", store.url);
  for (const { proxy } of all)
    await registry.register({ service: "audit", instanceId: `i-${proxy.port}`, host: "127.0.0.1", port: proxy.port });
  let listed = 0;
  resolver.watch("audit", (endpoints) => {
    listed = endpoints.length;
  });
  await until(async () => listed === instances, 20);
  const contender = oursFrom(resolver, "Plinth's clients", {});
  const row = await run(
    contender,
    all,
    async () => {
      await store.stop();
      await goWrong(all);
    },
    seconds,
  );
  printTable(`${name}; ${callsPerSecond} reads a second, deadline ${timeoutMs} ms`, [row]);
  await contender.close();
  await resolver.stop?.(AbortSignal.timeout(1_000));
  await registry.stop?.(AbortSignal.timeout(1_000));
  await Promise.all(all.map(stop));
}

async function run(
  contender: Contender,
  all: readonly Instance[],
  goWrong: (all: readonly Instance[]) => unknown,
  seconds: number,
) {
  // Warm: nobody is measured while its code is compiled.
  for (let made = 0; made < callsPerSecond; made++) await contender.call();
  for (const each of all) each.calls = 0;
  const times: number[] = [];
  const failures = new Map<string, number>();
  const calls: Promise<void>[] = [];
  const begin = performance.now();
  let wrong: unknown;
  for (let made = 0; made < seconds * callsPerSecond; made++) {
    const due = begin + (made * 1000) / callsPerSecond;
    if (due > performance.now()) await sleep(due - performance.now());
    if (made === callsPerSecond) wrong = goWrong(all);
    const at = performance.now();
    calls.push(
      contender.call().then(
        () => void times.push(performance.now() - at),
        (err: { code?: unknown }) => {
          times.push(performance.now() - at);
          const code = String(err.code);
          failures.set(code, (failures.get(code) ?? 0) + 1);
        },
      ),
    );
  }
  await Promise.all(calls);
  await wrong;
  times.sort((a, b) => a - b);
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN;
  return {
    client: contender.name,
    "succeeded %": (100 * (calls.length - failed)) / calls.length,
    failed,
    "p50 ms": at(0.5),
    "p99 ms": at(0.99),
    "attempts per call": all.reduce((sum, each) => sum + each.calls, 0) / calls.length,
  };
}

async function startInstance(): Promise<Instance> {
  const instance = { failing: false, calls: 0 } as Instance;
  await listen(instance, 0);
  instance.proxy = await startTcpProxy(`127.0.0.1:${(instance.server.address() as AddressInfo).port}`);
  return instance;
}

async function listen(instance: Instance, port: number): Promise<void> {
  instance.server = createServer(handlerOf(instance));
  sessionsOf(instance.server);
  await new Promise<void>((resolve) => instance.server.listen(port, "127.0.0.1", resolve));
}

const handlerOf = (instance: Instance) =>
  connectNodeAdapter({
    routes: (router) =>
      void router.service(AuditService, {
        async getEntry(request) {
          instance.calls++;
          if (instance.failing) throw new ConnectError("out of order", Code.Unavailable);
          await sleep(workMs);
          return { id: request.id };
        },
      }),
  });

/** In order: what is in hand is answered, and GOAWAY says so; then another process on the same port. */
async function restart(instance: Instance): Promise<void> {
  const { port } = instance.server.address() as AddressInfo;
  await stopServer(instance.server);
  await sleep(300);
  await listen(instance, port);
  await sleep(300);
}

const sessions = new WeakMap<Http2Server, Set<{ close(): void }>>();

function sessionsOf(server: Http2Server): Set<{ close(): void }> {
  const known = sessions.get(server);
  if (known) return known;
  const open = new Set<{ close(): void }>();
  sessions.set(server, open);
  server.on("session", (session) => {
    open.add(session);
    session.once("close", () => open.delete(session));
  });
  return open;
}

async function stopServer(server: Http2Server): Promise<void> {
  const ended = new Promise((resolve) => server.close(resolve));
  for (const session of sessionsOf(server)) session.close();
  await ended;
}

async function stop({ server, proxy }: Instance): Promise<void> {
  await proxy.close();
  await stopServer(server);
}

const openPlinth = (ports: readonly number[]): Contender => ours("Plinth's clients", ports, {});
const openHedged = (ports: readonly number[]): Contender =>
  ours("the same, hedged after 200 ms", ports, { hedgeAfterMs: 200 });

function ours(name: string, ports: readonly number[], options: ClientOptions): Contender {
  const endpoints = ports.map((port) => ({ instanceId: `i-${port}`, host: "127.0.0.1", port, draining: false }));
  return oursFrom(createStaticResolver(new Map([["audit", endpoints]])), name, options);
}

function oursFrom(resolver: Resolver, name: string, options: ClientOptions): Contender {
  const clients = createClients({ resolver, clock: systemClock, random: systemRandom, logger: silentLogger });
  const client = clients.get(AuditService, "audit", options);
  return {
    name,
    call: () => client.getEntry({ id }, { timeoutMs }),
    close: async () => clients.stop?.(AbortSignal.timeout(2_000)),
  };
}

function openConnect(ports: readonly number[]): Contender {
  const clients = ports.map((port) =>
    createClient(AuditService, createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` })),
  );
  let next = 0;
  return {
    name: "connect-node",
    call: () => (clients[next++ % clients.length] as (typeof clients)[0]).getEntry({ id }, { timeoutMs }),
    close() {},
  };
}

function openGrpcJs(ports: readonly number[]): Contender {
  const target = `ipv4:${ports.map((port) => `127.0.0.1:${port}`).join(",")}`;
  const client = new Client(target, credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  });
  const request = create(GetEntryRequestSchema, { id });
  return {
    name: "grpc-js",
    call: () =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          "/plinth.audit.v1.AuditService/GetEntry",
          () => Buffer.from(toBinary(GetEntryRequestSchema, request)),
          (bytes) => fromBinary(EntrySchema, bytes),
          request,
          { deadline: Date.now() + timeoutMs },
          (err, entry) => (err ? reject(err) : resolve(entry)),
        );
      }),
    close: () => client.close(),
  };
}
