import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { consulProblem, type LocalConsul, startConsul } from "@plinth/local-servers";
import { eventually, startTcpProxy } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createConsulClient } from "../src/consul/consul-client.ts";
import { createConsulRegistry } from "../src/consul/consul-registry.ts";
import { createConsulResolver } from "../src/consul/consul-resolver.ts";
import { discoveryContract, type Way } from "../src/discovery.contract.ts";

const absent = consulProblem();
const common = { logger: silentLogger, clock: systemClock, random: systemRandom };
const token = "11111111-2222-3333-4444-555555555555";

describe.skipIf(absent)(`on a real Consul${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let folder: string;
  let consul: LocalConsul;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "plinth-consul-"));
    consul = await startConsul({ directory: folder, clock: systemClock, initialToken: token });
  });
  afterAll(async () => {
    await consul?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function forget(): Promise<void> {
    const client = createConsulClient({ url: consul.url, token, clock: systemClock });
    const signal = AbortSignal.timeout(60_000);
    const { body } = await client.get<Record<string, object>>("agent/services", { index: 0n, waitMs: 0, signal });
    for (const id of Object.keys(body)) await client.put(`agent/service/deregister/${encodeURIComponent(id)}`);
  }

  async function open(leaseMs: number) {
    const proxy = await startTcpProxy(consul.address);
    const url = (way: Way = "behind") => (way === "behind" ? `http://127.0.0.1:${proxy.port}` : consul.url);
    return {
      registry: async (way?: Way, ofThisMs = leaseMs) =>
        createConsulRegistry({ ...common, url: url(way), token, leaseMs: ofThisMs, grpcCheck: false }),
      resolver: async (way?: Way) => createConsulResolver({ ...common, url: url(way), token, leaseMs }),
      // Stopping the component only stops renewing: the service stays, as after a kill.
      kill: async (registry: { stop?(signal: AbortSignal): Promise<void> }) =>
        registry.stop?.(AbortSignal.timeout(5_000)),
      partition: async () => proxy.cut(),
      heal: async () => proxy.heal(),
      forget,
      async restart() {
        await consul.kill();
        const port = Number(new URL(consul.url).port);
        consul = await startConsul({ directory: folder, clock: systemClock, initialToken: token, port });
      },
      async close() {
        await proxy.close();
        await forget();
      },
    };
  }

  discoveryContract("consul", open, { restarts: true });

  test("without a token that may, it says what is wrong", async () => {
    const registry = createConsulRegistry({ ...common, url: consul.url, token: undefined, grpcCheck: false });
    const instance = { service: "shop", instanceId: "a", host: "127.0.0.1", port: 1 };
    await expect(registry.register(instance)).rejects.toMatchObject({ reason: "REGISTRY_REFUSED" });
  });

  test("the agent calls grpc.health.v1 where it is told to", async () => {
    const called: unknown[] = [];
    const server = createServer();
    server.on("stream", (stream: ServerHttp2Stream, headers) => {
      called.push(headers[":path"]);
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      // HealthCheckResponse { status: SERVING }
      stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const registry = createConsulRegistry({ ...common, url: consul.url, token, grpcCheck: true });
    const registration = await registry.register({ service: "checked", instanceId: "c", host: "127.0.0.1", port });
    await eventually(() => expect(called).toContain("/grpc.health.v1.Health/Check"));
    await registration.deregister();
    server.close();
  });
});
