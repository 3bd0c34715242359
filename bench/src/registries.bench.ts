import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { createClients } from "@plinth/clients";
import type { Endpoint } from "@plinth/discovery";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { startConsul, startEtcd } from "@plinth/local-servers";
import { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import { startTcpProxy, type TcpProxy } from "@plinth/testing";
import { discoveryOf } from "./discovery-of.ts";
import { startPostgresRegistry } from "./postgres-registry.ts";
import { printTable } from "./table.ts";
import { until } from "./until.ts";

const id = "01920000-0000-7000-8000-000000000001";
const instances = 3;
const callEveryMs = 5;
/** Beyond any lease. */
const watchMs = 20_000;

interface Instance {
  child: ChildProcess;
  lines: Interface;
  proxy: TcpProxy;
}

/** From kill -9 of one of three instances to the last call that is sent to it, and until it is no more listed. */
export async function benchRegistries(): Promise<void> {
  const rows = [];
  for (const [driver, start] of Object.entries(stores)) {
    const folder = await mkdtemp(path.join(tmpdir(), "plinth-registries-"));
    const store = await start(folder);
    try {
      rows.push({ registry: driver, ...(await killOne(driver, store.url)) });
    } finally {
      await store.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
  printTable(`kill -9 of one of ${instances} instances, a read every ${callEveryMs} ms, lease 6 s`, rows);
  process.stdout.write("Left out: Kubernetes, whose kubelet and EndpointSlices decide; several processes that call.\n");
}

const stores: Record<string, (folder: string) => Promise<{ url: string; stop(): Promise<void> }>> = {
  postgres: () => startPostgresRegistry(),
  etcd: (directory) => startEtcd({ directory, clock: systemClock }),
  consul: (directory) => startConsul({ directory, clock: systemClock }),
};

async function killOne(driver: string, url: string) {
  const all = await Promise.all(Array.from({ length: instances }, () => startInstance(driver, url)));
  const { registry, resolver } = await discoveryOf(driver, url);
  let listed: readonly Endpoint[] = [];
  resolver.watch("audit", (endpoints) => {
    listed = endpoints;
  });
  await until(async () => listed.length === instances, 20);
  const clients = createClients({ resolver, clock: systemClock, random: systemRandom, logger: silentLogger });
  const client = clients.get(AuditService, "audit");
  for (let made = 0; made < 200; made++) await client.getEntry({ id });

  const [victim] = all as [Instance];
  let failed = 0;
  let calls = 0;
  let lastSentMs = 0;
  let unlistedMs = Number.NaN;
  victim.child.kill("SIGKILL");
  await once(victim.child, "exit");
  const killed = performance.now();
  let attempts = victim.proxy.accepted;
  const before = attempts;
  while (performance.now() - killed < watchMs) {
    calls++;
    await client.getEntry({ id }).catch(() => failed++);
    if (victim.proxy.accepted > attempts) {
      attempts = victim.proxy.accepted;
      lastSentMs = performance.now() - killed;
    }
    if (Number.isNaN(unlistedMs) && listed.length < instances) unlistedMs = performance.now() - killed;
    await sleep(callEveryMs);
  }
  const signal = AbortSignal.timeout(5_000);
  for (const part of [clients, resolver, registry]) await part.stop?.(signal);
  for (const instance of all) await stopInstance(instance);
  return {
    calls,
    "failed calls": failed,
    "attempts at the dead one": attempts - before,
    "last attempt s": lastSentMs / 1000,
    "no more listed s": unlistedMs / 1000,
  };
}

async function startInstance(driver: string, url: string): Promise<Instance> {
  const script = path.join(import.meta.dirname, "registered-instance.ts");
  const child = spawn(process.execPath, [script, driver, url], { stdio: ["pipe", "pipe", "inherit"] });
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  child.once("exit", () => process.off("exit", killWithUs));
  const lines = createInterface({ input: child.stdout });
  const [port] = await once(lines, "line");
  const proxy = await startTcpProxy(`127.0.0.1:${port}`);
  child.stdin.write(`${proxy.port}\n`);
  await once(lines, "line");
  return { child, lines, proxy };
}

async function stopInstance({ child, lines, proxy }: Instance): Promise<void> {
  lines.close();
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await proxy.close();
}
