import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { etcdProblem, type LocalEtcd, startEtcd } from "@plinth/local-servers";
import { eventually, startTcpProxy } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { discoveryContract, type Way } from "../src/discovery.contract.ts";
import type { Endpoint } from "../src/discovery.ts";
import { createEtcdClient } from "../src/etcd/etcd-client.ts";
import { rangeEnd, toBase64 } from "../src/etcd/etcd-keys.ts";
import { createEtcdRegistry } from "../src/etcd/etcd-registry.ts";
import { createEtcdResolver } from "../src/etcd/etcd-resolver.ts";

const absent = etcdProblem();
const common = { logger: silentLogger, clock: systemClock, random: systemRandom };

describe.skipIf(absent)(`on a real etcd${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let folder: string;
  let etcd: LocalEtcd;
  let rounds = 0;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "plinth-etcd-"));
    etcd = await startEtcd({ directory: folder, clock: systemClock });
  });
  afterAll(async () => {
    await etcd?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  // etcd's least lease is two seconds.
  async function open(leaseMs = 2_000) {
    const proxy = await startTcpProxy(etcd.address);
    const prefix = `test-${rounds++}`;
    const urls = (way: Way = "behind") => (way === "behind" ? `http://127.0.0.1:${proxy.port}` : etcd.url);
    return {
      prefix,
      registry: async (way?: Way, ofThisMs = leaseMs) =>
        createEtcdRegistry({ ...common, urls: urls(way), prefix, leaseMs: ofThisMs }),
      async resolver(way?: Way) {
        const resolver = createEtcdResolver({ ...common, urls: urls(way), prefix, leaseMs });
        await resolver.start?.();
        return resolver;
      },
      // Stopping the component only stops renewing: the key stays, as after a kill.
      kill: async (registry: { stop?(signal: AbortSignal): Promise<void> }) =>
        registry.stop?.(AbortSignal.timeout(5_000)),
      partition: async () => proxy.cut(),
      heal: async () => proxy.heal(),
      forget: async () => {
        const all = { key: toBase64(`${prefix}/`), range_end: rangeEnd(`${prefix}/`) };
        await createEtcdClient(etcd.url, systemClock).call("kv/deleterange", all);
      },
      async restart() {
        await etcd.kill();
        const port = Number(new URL(etcd.url).port);
        etcd = await startEtcd({ directory: folder, clock: systemClock, port });
      },
      close: () => proxy.close(),
    };
  }

  discoveryContract("etcd", open, { restarts: true });

  const instance = (instanceId: string) => ({ service: "shop", instanceId, host: "127.0.0.1", port: 8_000 });

  test("changes whose revisions were compacted away while nobody listened are seen", async () => {
    const fixture = await open();
    const outside = await fixture.registry("direct");
    const resolver = await fixture.resolver();
    let seen: readonly Endpoint[] = [];
    resolver.watch("shop", (endpoints) => {
      seen = endpoints;
    });
    const ids = () => seen.map(({ instanceId }) => instanceId);
    const first = await outside.register(instance("first"));
    await eventually(() => expect(ids()).toEqual(["first"]));
    await fixture.partition();
    await first.deregister();
    await outside.register(instance("second"));
    const client = createEtcdClient(etcd.url, systemClock);
    const { header } = await client.call<{ header: { revision: string } }>("kv/range", { key: toBase64("x") });
    await client.call("kv/compaction", { revision: header.revision, physical: true });
    await fixture.heal();
    await eventually(() => expect(ids()).toEqual(["second"]));
    await outside.stop?.(AbortSignal.timeout(1_000));
    await resolver.stop?.(AbortSignal.timeout(1_000));
    await fixture.close();
  });

  test("a lease that was lost is replaced, and the key hangs on the new one", async () => {
    const fixture = await open();
    const registry = await fixture.registry();
    await registry.register(instance("a"));
    const client = createEtcdClient(etcd.url, systemClock);
    const key = toBase64(`${fixture.prefix}/shop/a`);
    const leaseNow = async () =>
      (await client.call<{ kvs?: { lease: string }[] }>("kv/range", { key })).kvs?.[0]?.lease;
    const before = await leaseNow();
    await client.call("lease/revoke", { ID: before });
    await eventually(async () => {
      const after = await leaseNow();
      expect(after).toBeDefined();
      expect(after).not.toBe(before);
    });
    await registry.stop?.(AbortSignal.timeout(1_000));
    await fixture.close();
  });

  test("keys and values are those of etcd's naming convention", async () => {
    const fixture = await open();
    const registry = await fixture.registry();
    await registry.register({ ...instance("a"), host: "::1", zone: "north" });
    const { kvs } = await createEtcdClient(etcd.url, systemClock).call<{ kvs: { value: string }[] }>("kv/range", {
      key: toBase64(`${fixture.prefix}/shop/a`),
    });
    expect(JSON.parse(Buffer.from(kvs[0]?.value ?? "", "base64").toString("utf8"))).toEqual({
      Op: 0,
      Addr: "[::1]:8000",
      Metadata: { draining: false, zone: "north" },
    });
    await registry.stop?.(AbortSignal.timeout(1_000));
    await fixture.close();
  });

  test("the next server is asked when one is away", async () => {
    const nobody = await startTcpProxy(etcd.address);
    nobody.cut();
    const client = createEtcdClient(`http://127.0.0.1:${nobody.port},${etcd.url}`, systemClock);
    await expect(client.call("kv/range", { key: toBase64("x") })).rejects.toMatchObject({
      code: "unavailable",
      reason: "REGISTRY_UNAVAILABLE",
    });
    expect(await client.call("kv/range", { key: toBase64("x") })).toHaveProperty("header");
    await nobody.close();
  });
});
