import { systemClock, systemRandom } from "@plinth/kernel";
import {
  type ApiClient,
  createApiClient,
  createHttpTransport,
  isTrue,
  type KubeObject,
  loadClusterConfig,
  type Resource,
  resources,
} from "@plinth/kube";
import { type PlatformService, platformServiceCrd, routePolicyCrd } from "@plinth/platform";
import { type ApiServer, startApiServer, whyNoApiServer } from "@plinth/testing/kube";
import { startOperator } from "./operator-process.ts";
import { usageOf } from "./process-meter.ts";
import { printTable } from "./table.ts";
import { until } from "./until.ts";

const count = 1_000;
type ServiceObject = KubeObject & Pick<PlatformService, "spec" | "status">;
const platformServices: Resource<ServiceObject> = {
  apiVersion: "plinth.dev/v1alpha1",
  kind: "PlatformService",
  plural: "platformservices",
  namespaced: true,
};
const draft = (name: string) => ({
  metadata: { name, namespace: "default" },
  spec: { image: "example/notes:1", replicas: 0 },
});
const names = Array.from({ length: count }, (_, i) => `service-${i}`);
const withElection = { PLINTH_LOG_LEVEL: "info" };
const alone = { PLINTH_OPERATOR_LEADER_ELECTION: "false", PLINTH_LOG_LEVEL: "error" };

/**
 * The operator against a real API server, etcd and Kubernetes' controllers, all on this machine; no kubelet, so services ask
 * for no instances. Published figures to compare with stand in docs/benchmarks.md.
 */
export async function benchOperator(): Promise<void> {
  const absent = whyNoApiServer();
  if (absent) throw new Error(absent);
  const api = await startApiServer({
    flags: ["--service-cluster-ip-range=10.0.0.0/16", "--max-requests-inflight=1000"],
    controllerFlags: ["--kube-api-qps=1000", "--kube-api-burst=2000", "--concurrent-deployment-syncs=10"],
  });
  const transport = createHttpTransport({
    cluster: await loadClusterConfig({ kubeconfig: api.kubeconfig }),
    userAgent: "plinth-bench",
    clock: systemClock,
    random: systemRandom,
  });
  try {
    const client = createApiClient(transport);
    await client.create(resources.namespaces, { metadata: { name: "plinth" } });
    for (const crd of [platformServiceCrd(), routePolicyCrd()])
      await client.create(resources.customResourceDefinitions, crd as never);
    await until(() => client.serves(platformServices));
    await converge(api, client);
    await idle(api);
    await failOver(api, client);
    process.stdout.write("Left out: pods, databases, routes, and a network between operator and API server.\n");
  } finally {
    await transport.close();
    await api.stop();
  }
}

const readyCount = async (client: ApiClient): Promise<number> => {
  const { items } = await client.list(platformServices, { namespace: "default" });
  return items.filter(({ status }) => isTrue(status?.conditions, "Ready")).length;
};

async function converge(api: ApiServer, client: ApiClient): Promise<void> {
  const operator = await startOperator(api.kubeconfig, alone);
  await until(async () => (await operator.metric("controller_runtime_max_concurrent_reconciles")) > 0);
  const before = usageOf(operator.pid);
  const begin = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let name = names[next++]; name !== undefined; name = names[next++]) {
        await client.create(platformServices, draft(name));
      }
    }),
  );
  const created = performance.now();
  await until(async () => (await readyCount(client)) === count, 500);
  const ready = performance.now();
  printTable(`${count} PlatformServices without pods, applied 16 at a time to a running operator`, [
    {
      "applied s": (created - begin) / 1000,
      "all Ready s": (ready - begin) / 1000,
      "operator's CPU s": (usageOf(operator.pid).cpuUs - before.cpuUs) / 1e6,
      "RSS max MiB": operator.rssMaxMiB(),
    },
  ]);
  await operator.kill("SIGTERM");
}

/** A restart with everything in place: each service is looked at once, and nothing is written. */
async function idle(api: ApiServer): Promise<void> {
  const begin = performance.now();
  const operator = await startOperator(api.kubeconfig, alone, 1);
  const done = (): Promise<number> =>
    operator.metric("controller_runtime_reconcile_total", 'controller="platformservice"');
  // The process answers no question while it works through its queue: what it took altogether is what can be seen.
  await until(async () => (await done()) >= count, 5);
  printTable("A restart with everything in place, one core: lists read, every service looked at, nothing written", [
    {
      reconciles: await done(),
      "s since its start": (performance.now() - begin) / 1000,
      "CPU s altogether": usageOf(operator.pid).cpuUs / 1e6,
      writes: await operator.metric("rest_client_requests_total", 'method="P'),
      "RSS max MiB": operator.rssMaxMiB(),
    },
  ]);
  await operator.kill("SIGTERM");
}

async function failOver(api: ApiServer, client: ApiClient): Promise<void> {
  const rows = [];
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const timesMs: number[] = [];
    for (let round = 0; round < 3; round++)
      timesMs.push(await takeOver(api, client, signal, `${signal.toLowerCase()}-${round}`));
    rows.push({
      "leader ends by": signal,
      "median s": (timesMs.toSorted((a, b) => a - b)[1] as number) / 1000,
      "max s": Math.max(...timesMs) / 1000,
    });
  }
  printTable("From the end of the leader to the first status that its successor writes, 3 times each", rows);
}

async function takeOver(api: ApiServer, client: ApiClient, signal: NodeJS.Signals, name: string): Promise<number> {
  const first = await startOperator(api.kubeconfig, { ...withElection, PLINTH_INSTANCE_ID: "first" });
  await first.logged('"msg":"leading"');
  const second = await startOperator(api.kubeconfig, { ...withElection, PLINTH_INSTANCE_ID: "second" });
  await until(
    async () => (await second.metric("leader_election_master_status")) === 0 && (await isUp(second.adminPort)),
  );
  const begin = performance.now();
  const ended = first.kill(signal);
  await client.create(platformServices, draft(name));
  await until(async () => {
    const found = await client.find(platformServices, { namespace: "default", name });
    return (found?.status?.conditions ?? []).length > 0;
  }, 20);
  const tookMs = performance.now() - begin;
  await ended;
  await second.kill("SIGTERM");
  return tookMs;
}

const isUp = async (port: number): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.ok === true;
