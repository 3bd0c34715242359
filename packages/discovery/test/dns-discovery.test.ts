import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { consulProblem, type LocalConsul, startConsul } from "@plinth/local-servers";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createConsulRegistry } from "../src/consul/consul-registry.ts";
import type { Endpoint } from "../src/discovery.ts";
import { createDnsResolver, parseDnsName } from "../src/dns/dns-resolver.ts";

const absent = consulProblem();
/** How often a resolver has said that nobody answers. */
let lost = 0;
const logger = { ...silentLogger, warn: () => void lost++ };
const common = { logger: silentLogger, clock: systemClock, random: systemRandom };

// Consul answers by DNS as well: who registers with it is found by everybody who can look names up.
describe.skipIf(absent)(`DNS of a real Consul${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let folder: string;
  let consul: LocalConsul;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "plinth-dns-"));
    consul = await startConsul({ directory: folder, clock: systemClock });
  });
  afterAll(async () => {
    await consul?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("names are looked up again and again; when nobody answers, what is known stays", async () => {
    const registry = createConsulRegistry({ ...common, url: consul.url, token: undefined, grpcCheck: false });
    const servers = [consul.dns];
    const bySrv = createDnsResolver({
      ...common,
      logger,
      name: "_{service}._tcp.service.consul",
      servers,
      intervalMs: 50,
    });
    const byName = createDnsResolver({
      ...common,
      logger,
      name: "{service}.service.consul:8080",
      servers,
      intervalMs: 50,
    });
    const seen: Record<"srv" | "name", readonly Endpoint[][]> = { srv: [], name: [] };
    bySrv.watch("shop", (endpoints) => {
      seen.srv = [...seen.srv, [...endpoints]];
    });
    byName.watch("shop", (endpoints) => {
      seen.name = [...seen.name, [...endpoints]];
    });
    const last = (of: "srv" | "name") => seen[of].at(-1)?.map(({ instanceId }) => instanceId);
    // That there is no such name is an answer.
    await eventually(() => expect([last("srv"), last("name")]).toEqual([[], []]));
    const at = (instanceId: string, port: number) => ({ service: "shop", instanceId, host: "127.0.0.1", port });
    const a = await registry.register(at("a", 8_001));
    await registry.register(at("b", 8_002));
    await eventually(() => expect(last("srv")).toEqual(["127.0.0.1:8001", "127.0.0.1:8002"]));
    await eventually(() => expect(last("name")).toEqual(["127.0.0.1:8080"]));
    await a.deregister();
    await eventually(() => expect(last("srv")).toEqual(["127.0.0.1:8002"]));
    const port = Number(new URL(consul.url).port);
    const dnsPort = Number(consul.dns.split(":")[1]);
    const before = lost;
    await consul.kill();
    await eventually(() => expect(lost).toBeGreaterThan(before));
    expect(last("srv")).toEqual(["127.0.0.1:8002"]);
    consul = await startConsul({ directory: folder, clock: systemClock, port, dnsPort });
    const c = await eventually(() => registry.register(at("c", 8_003)));
    await eventually(() => expect(last("srv")).toEqual(["127.0.0.1:8002", "127.0.0.1:8003"]));
    await c.deregister();
    const signal = AbortSignal.timeout(5_000);
    for (const each of [registry, bySrv, byName]) await each.stop?.(signal);
  });
});

test.each(["", "shop.internal:80", "{service}.internal", "{service}.internal:0", "{service}:70000"])(
  "%j is no name to look up, and says why",
  (name) => expect(() => parseDnsName(name)).toThrow(/PLINTH_DISCOVERY_DNS must/),
);
