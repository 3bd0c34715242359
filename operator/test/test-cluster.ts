import { readFileSync } from "node:fs";
import path from "node:path";
import { createLifecycle, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import {
  type ApiCall,
  type ApiClient,
  createApiClient,
  createHttpTransport,
  type KubeObject,
  loadClusterConfig,
  type Resource,
  resources,
  type Transport,
} from "@plinth/kube";
import type { PlatformServiceStatus } from "@plinth/platform";
import { eventually, startPostgres } from "@plinth/testing";
import { type ApiServer, startApiServer } from "@plinth/testing/kube";
import pg from "pg";
import { parseAllDocuments } from "yaml";
import { composeOperator } from "../src/app.ts";
import { gateways, httpRoutes } from "../src/platform-service/gateway-api.ts";
import { platformServices, type ServiceObject } from "../src/platform-service/resources.ts";

/** A real API server with the CRDs, a real PostgreSQL, and whoever plays controllers and kubelets: the test. */
export interface TestCluster {
  api: ApiServer;
  client: ApiClient;
  database: {
    adminUrl: string;
    /** Runs SQL as superuser. */
    admin(sql: string): Promise<Record<string, unknown>[]>;
  };
  stop(): Promise<void>;
}

/** Starts both, with a Gateway for routes to attach to. */
export async function startTestCluster(flags: readonly string[] = []): Promise<TestCluster> {
  // Of its own: roles belong to a whole server, and every platform has one named plinth_bus.
  const postgres = await startPostgres();
  const api = await startApiServer({ flags });
  const { client, close } = await clientOf(api);
  await installCrds(client);
  await client.create(resources.namespaces, { metadata: { name: "plinth" } });
  await client.create(gateways, {
    metadata: { name: "plinth", namespace: "plinth" },
    spec: { gatewayClassName: "plinth", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
  });
  return {
    api,
    client,
    database: { adminUrl: postgres.url, admin: (sql) => query(postgres.url, sql) },
    async stop() {
      await close();
      await api.stop();
      await postgres.stop();
    },
  };
}

/** The administrator's client of an API server. */
export async function clientOf(api: ApiServer): Promise<{ client: ApiClient; close(): Promise<void> }> {
  const cluster = await loadClusterConfig({ kubeconfig: api.kubeconfig });
  const options = { cluster, userAgent: "operator-test", clock: systemClock, random: systemRandom };
  const transport = createHttpTransport(options);
  return { client: createApiClient(transport), close: () => transport.close() };
}

/** Runs one statement in a connection of its own. */
export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const connection = new pg.Client({ connectionString: url });
  await connection.connect();
  try {
    return (await connection.query(sql)).rows;
  } finally {
    await connection.end();
  }
}

async function installCrds(client: ApiClient): Promise<void> {
  const charts = path.resolve(import.meta.dirname, "../../charts/plinth/crds");
  const files = [
    path.join(charts, "plinth.dev_platformservices.yaml"),
    path.join(charts, "plinth.dev_routepolicies.yaml"),
    path.join(import.meta.dirname, "fixtures/gateway-api.yaml"),
  ];
  for (const file of files) {
    for (const document of parseAllDocuments(readFileSync(file, "utf8"))) {
      const made = await client.create(resources.customResourceDefinitions, document.toJS() as never);
      const { group, names, scope, versions } = made.spec;
      const resource: Resource = {
        ...{ apiVersion: `${group}/${versions[0]?.name}`, kind: names.kind, plural: names.plural },
        namespaced: scope === "Namespaced",
      };
      await eventually(async () => {
        const crd = await client.get(resources.customResourceDefinitions, { name: made.metadata.name });
        if (!crd.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True")) {
          throw new Error(`${made.metadata.name} is not established`);
        }
        // What is established is served a little later.
        await client.list(resource, { limit: 1 });
      });
    }
  }
}

export interface RunningOperator {
  /** Calls that change something, since the last `forget`. Leases are left out. */
  writes: ApiCall[];
  stop(): Promise<void>;
}

export interface RunOperatorOptions {
  databaseUrl?: string;
  /** Default: the administrator's. */
  kubeconfig?: string;
  env?: Record<string, string>;
  wrapTransport?: (transport: Transport) => Transport;
}

export async function runOperator(cluster: TestCluster, options: RunOperatorOptions = {}): Promise<RunningOperator> {
  const writes: ApiCall[] = [];
  const record = (transport: Transport): Transport => ({
    ...transport,
    send(call) {
      if (call.method !== "GET" && !/\/(leases|events)(\/|$)/.test(call.path)) writes.push(call);
      return transport.send(call);
    },
  });
  const operator = await composeOperator(
    {
      KUBECONFIG: options.kubeconfig ?? cluster.api.kubeconfig,
      PLINTH_HOST: "127.0.0.1",
      PLINTH_ADMIN_PORT: "0",
      PLINTH_LOG_LEVEL: process.env["OPERATOR_TEST_LOG"] ?? "error",
      PLINTH_OPERATOR_DATABASE_URL: options.databaseUrl ?? cluster.database.adminUrl,
      PLINTH_OPERATOR_LEADER_ELECTION: "false",
      ...options.env,
    },
    { version: "0.0.0", wrapTransport: (inner) => options.wrapTransport?.(record(inner)) ?? record(inner) },
  );
  const lifecycle = createLifecycle(operator.components, { logger: silentLogger, clock: systemClock });
  await lifecycle.start();
  return { writes, stop: () => lifecycle.stop() };
}

export type Conditions = Record<string, { status: string; reason: string; message: string }>;

export const conditionsOf = (status: PlatformServiceStatus | undefined): Conditions =>
  Object.fromEntries((status?.conditions ?? []).map((condition) => [condition.type, condition]));

/** Polls the service until `probe` does not throw. */
export async function serviceShows(
  cluster: TestCluster,
  name: string,
  probe: (conditions: Conditions, service: ServiceObject) => void,
): Promise<ServiceObject> {
  return eventually(async () => {
    const service = await cluster.client.get(platformServices, { namespace: "default", name });
    probe(conditionsOf(service.status), service);
    return service;
  });
}

/** What the Deployment controller and kubelets would report: every instance is new and serves. */
export async function playRollout(cluster: TestCluster, name: string, waitMs?: number): Promise<void> {
  const ref = { namespace: "default", name };
  await eventually(async () => {
    const { metadata, spec } = await cluster.client.get(resources.deployments, ref);
    const count = spec?.replicas ?? 1;
    const status = {
      observedGeneration: metadata.generation ?? 1,
      replicas: count,
      updatedReplicas: count,
      readyReplicas: count,
      availableReplicas: count,
      conditions: [{ type: "Available", status: "True", reason: "MinimumReplicasAvailable", message: "" }],
    };
    await setStatus(cluster, resources.deployments, ref, status);
  }, waitMs);
}

/** The one Job of this service that has not ended, once there is one. */
export const activeJob = (cluster: TestCluster, service: string) =>
  eventually(async () => {
    const { items } = await cluster.client.list(resources.jobs, {
      namespace: "default",
      labelSelector: `plinth.dev/service=${service}`,
    });
    const active = items.filter(({ status }) => (status?.conditions ?? []).length === 0);
    if (active.length !== 1 || !active[0]) throw new Error(`${active.length} active Jobs`);
    return active[0];
  });

export async function playJob(cluster: TestCluster, name: string, outcome: "complete" | "failed"): Promise<void> {
  const at = "2026-11-23T12:00:00Z";
  const condition = (type: string) => ({ type, status: "True", lastProbeTime: at, lastTransitionTime: at });
  const status =
    outcome === "complete"
      ? {
          startTime: at,
          completionTime: at,
          succeeded: 1,
          uncountedTerminatedPods: {},
          conditions: [condition("SuccessCriteriaMet"), condition("Complete")],
        }
      : {
          startTime: at,
          failed: 1,
          uncountedTerminatedPods: {},
          conditions: [
            { ...condition("FailureTarget"), reason: "PodFailurePolicy", message: "a container failed" },
            { ...condition("Failed"), reason: "PodFailurePolicy", message: "a container failed" },
          ],
        };
  await setStatus(cluster, resources.jobs, { namespace: "default", name }, status);
}

/** A pod of the Job that ended with these words. */
export async function playJobPod(cluster: TestCluster, job: string, exitCode: number, message: string): Promise<void> {
  const name = `${job}-abcde`;
  await cluster.client.create(resources.pods, {
    metadata: {
      name,
      namespace: "default",
      labels: {
        "plinth.dev/service": job.split("-migrate-")[0] ?? "",
        "plinth.dev/component": "migration",
        "batch.kubernetes.io/job-name": job,
      },
    },
    spec: { containers: [{ name: "migrator", image: "plinth/migrator:0.1.0" }] },
  } as never);
  const terminated = { exitCode, message, reason: "Error" };
  await setStatus(
    cluster,
    resources.pods,
    { namespace: "default", name },
    {
      phase: exitCode === 0 ? "Succeeded" : "Failed",
      containerStatuses: [
        { name: "migrator", image: "x", imageID: "", ready: false, restartCount: 0, state: { terminated } },
      ],
    },
  );
}

/** What a gateway says of a route it serves. */
export async function playGateway(cluster: TestCluster, route: Resource, name: string, waitMs?: number): Promise<void> {
  const ref = { namespace: "default", name };
  await eventually(async () => {
    const { metadata } = await cluster.client.get(route, ref);
    const accepted = (type: string) => ({
      type,
      status: "True",
      reason: type,
      message: "",
      observedGeneration: metadata.generation ?? 0,
      lastTransitionTime: "2026-11-23T12:00:00Z",
    });
    const parents = [
      {
        parentRef: { name: "plinth", namespace: "plinth" },
        controllerName: "plinth.dev/gateway",
        conditions: [accepted("Accepted"), accepted("ResolvedRefs")],
      },
    ];
    await setStatus(cluster, route, ref, { parents });
  }, waitMs);
}

/** Plays controllers, kubelets and gateway for all services until stopped: everything that is asked for works. */
export function playEverything(cluster: TestCluster): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { client } = cluster;
  async function once(): Promise<void> {
    for (const { metadata, status } of (await client.list(resources.jobs)).items) {
      if (!status?.conditions?.length) await playJob(cluster, metadata.name, "complete");
    }
    for (const { metadata, status } of (await client.list(resources.deployments)).items) {
      if (status?.observedGeneration !== metadata.generation) await playRollout(cluster, metadata.name, 0);
    }
    for (const { metadata, status } of (await client.list(httpRoutes)).items) {
      const seen = status?.parents?.[0]?.conditions?.[0]?.observedGeneration;
      if (seen !== metadata.generation) await playGateway(cluster, httpRoutes, metadata.name, 0);
    }
  }
  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      // What is deleted meanwhile, or an API server that is away, is met again in the next round: nothing is waited for.
      await once().catch(() => {});
      await systemClock.sleep(30, stopping.signal).catch(() => {});
    }
  }
  const running = run();
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}

async function setStatus(
  cluster: TestCluster,
  resource: Resource,
  ref: { namespace: string; name: string },
  status: object,
): Promise<KubeObject> {
  return cluster.client.patch(resource, ref, { status }, { type: "merge", subresource: "status" });
}
