import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Endpoint } from "@plinth/discovery";
import { readConfig, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { consulProblem, etcdProblem, startConsul, startEtcd } from "@plinth/local-servers";
import { eventually } from "@plinth/testing";
import { afterEach, expect, test } from "vitest";
import { composeDiscovery } from "../src/compose-discovery.ts";
import { discoveryConfigOf } from "../src/discovery-config.ts";
import { baseConfig } from "../src/service-config.ts";

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), "plinth-discovery-"));
  open.push(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** As a service does it: from environment variables. */
async function discover(env: Record<string, string>) {
  const spec = { ...baseConfig, ...discoveryConfigOf(env["PLINTH_DISCOVERY_DRIVER"]) };
  const config = readConfig(spec, { PLINTH_PORT: "0", ...env });
  const common = { applicationName: "test", logger: silentLogger, clock: systemClock, random: systemRandom };
  const { registry, resolver } = await composeDiscovery(config, common);
  for (const part of [registry, resolver]) {
    await part.start?.();
    open.push(async () => part.stop?.(AbortSignal.timeout(5_000)));
  }
  return { registry, resolver };
}

async function expectToFind(env: Record<string, string>): Promise<void> {
  const one = await discover(env);
  const other = await discover(env);
  let seen: readonly Endpoint[] = [];
  other.resolver.watch("shop", (endpoints) => {
    seen = endpoints;
  });
  await one.registry.register({ service: "shop", instanceId: "a", host: "127.0.0.1", port: 8_001 });
  await eventually(() => expect(seen).toMatchObject([{ instanceId: "a", host: "127.0.0.1", port: 8_001 }]));
}

test.skipIf(etcdProblem())("etcd, by its driver's name and one URL", async () => {
  const etcd = await startEtcd({ directory: await folder(), clock: systemClock });
  open.push(() => etcd.stop());
  await expectToFind({ PLINTH_DISCOVERY_DRIVER: "etcd", PLINTH_DISCOVERY_URL: etcd.url });
});

test.skipIf(consulProblem())("Consul, by its driver's name, a URL and a token", async () => {
  const token = "11111111-2222-3333-4444-555555555555";
  const consul = await startConsul({ directory: await folder(), clock: systemClock, initialToken: token });
  open.push(() => consul.stop());
  await expectToFind({
    PLINTH_DISCOVERY_DRIVER: "consul",
    PLINTH_DISCOVERY_URL: consul.url,
    PLINTH_DISCOVERY_TOKEN: token,
    // Nothing listens where the instance says.
    PLINTH_DISCOVERY_GRPC_CHECK: "false",
  });
});

test("without its URL etcd is refused, with what is missing", async () => {
  await expect(discover({ PLINTH_DISCOVERY_DRIVER: "etcd" })).rejects.toThrow(/PLINTH_DISCOVERY_URL/);
});
