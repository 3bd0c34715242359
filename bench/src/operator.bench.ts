import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import {
  type ApiClient,
  createApiClient,
  createHttpTransport,
  createInformer,
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
const idleMs = 20_000;
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
    await floor(client);
    await restart(api);
    await idle(api);
    await failOver(api, client);
    process.stdout.write("Left out: pods, databases, routes, and a network between operator and API server.\n");
  } finally {
    await transport.close();
    await api.stop();
  }
}

/** Resolves when all objects of a namespace are so. Watches: listing them over and over would take a core of the API server. */
async function allAre<T extends KubeObject>(
  resource: Resource<T>,
  namespace: string,
  client: ApiClient,
  isSo: (object: T) => boolean,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const common = { clock: systemClock, random: systemRandom, logger: silentLogger };
  const informer = createInformer({ client, resource, namespace, ...common });
  const so = new Set<string>();
  informer.subscribe(({ object, type }) => {
    if (type !== "deleted" && isSo(object)) so.add(object.metadata.name);
    if (so.size === count) resolve();
  });
  await informer.start?.();
  await promise;
  await informer.stop?.(AbortSignal.timeout(5_000));
}

const allReady = (client: ApiClient): Promise<void> =>
  allAre(platformServices, "default", client, ({ status }) => isTrue(status?.conditions, "Ready"));

const deploymentsSeen = (client: ApiClient, namespace: string): Promise<void> =>
  allAre(
    resources.deployments,
    namespace,
    client,
    ({ metadata, status }) => (status?.observedGeneration ?? 0) >= (metadata.generation ?? 1),
  );

async function converge(api: ApiServer, client: ApiClient): Promise<void> {
  const operator = await startOperator(api.kubeconfig, alone);
  await until(async () => (await operator.metric("controller_runtime_max_concurrent_reconciles")) > 0);
  const before = usageOf(operator.pid);
  const begin = performance.now();
  let next = 0;
  const converged = allReady(client);
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let name = names[next++]; name !== undefined; name = names[next++]) {
        await client.create(platformServices, draft(name));
      }
    }),
  );
  const created = performance.now();
  await converged;
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

/**
 * The least that any operator could take here: a plain client makes the same children directly, without looking, without
 * status and without an owner that is watched. What is left is what the API server, etcd and the controllers need.
 */
async function floor(client: ApiClient): Promise<void> {
  const namespace = "floor";
  await client.create(resources.namespaces, { metadata: { name: namespace } });
  const [example] = names as [string];
  const kinds: readonly Resource[] = [
    resources.serviceAccounts,
    resources.configMaps,
    resources.services,
    resources.networkPolicies,
    resources.deployments,
  ];
  const found = await Promise.all(
    kinds.map(async (kind) => ({ kind, items: (await client.list(kind, { namespace: "default" })).items })),
  );
  const drafts = found.flatMap(({ kind, items }) =>
    items
      .filter(({ metadata }) => metadata.labels?.["plinth.dev/service"] === example)
      .map((object) => ({ kind, text: JSON.stringify(withoutServerFields(object)) })),
  );
  const done = deploymentsSeen(client, namespace);
  const begin = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let name = names[next++]; name !== undefined; name = names[next++]) {
        for (const { kind, text } of drafts) await client.create(kind, JSON.parse(text.replaceAll(example, name)));
      }
    }),
  );
  await done;
  printTable("The least possible here: the same children made by a plain client, seen by the controllers", [
    { "objects of each": drafts.length, "all s": (performance.now() - begin) / 1000 },
  ]);
}

function withoutServerFields(object: KubeObject): object {
  const { metadata, status: _, ...rest } = object as KubeObject & { status?: unknown; spec?: object };
  const { clusterIP: __, clusterIPs: ___, ...spec } = (rest.spec ?? {}) as Record<string, unknown>;
  const { name, labels, annotations } = metadata;
  return { ...rest, ...(rest.spec ? { spec } : {}), metadata: { name, namespace: "floor", labels, annotations } };
}

/** A restart with everything in place: each service is looked at once, and nothing is written. */
async function restart(api: ApiServer): Promise<void> {
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

/** Everything is looked at again and again, and nothing is to be done: what a reconcile costs the operator itself. */
async function idle(api: ApiServer): Promise<void> {
  const operator = await startOperator(api.kubeconfig, { ...alone, PLINTH_OPERATOR_RESYNC: "1s" }, 1);
  const done = (): Promise<number> =>
    operator.metric("controller_runtime_reconcile_total", 'controller="platformservice"');
  // The first round reads lists and warms the code up.
  await until(async () => (await done()) >= 3 * count, 50);
  const before = { count: await done(), cpuUs: usageOf(operator.pid).cpuUs, atMs: performance.now() };
  await new Promise((resolve) => setTimeout(resolve, idleMs));
  const reconciles = (await done()) - before.count;
  const cpuS = (usageOf(operator.pid).cpuUs - before.cpuUs) / 1e6;
  printTable("Reconciles with nothing to do, on one core (controller-runtime: 230/s, see docs/benchmarks.md)", [
    {
      "per second": (reconciles / (performance.now() - before.atMs)) * 1000,
      "per second of CPU": reconciles / cpuS,
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
