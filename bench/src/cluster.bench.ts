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
import type { PlatformService } from "@plinth/platform";
import { printTable } from "./table.ts";
import { until } from "./until.ts";

type ServiceObject = KubeObject & Pick<PlatformService, "spec" | "status">;
type Gateway = KubeObject & { status?: { addresses?: { value: string }[] } };

const plinth = { apiVersion: "plinth.dev/v1alpha1", namespaced: true } as const;
const gatewayApi = { apiVersion: "gateway.networking.k8s.io/v1", namespaced: true } as const;
const services: Resource<ServiceObject> = { ...plinth, kind: "PlatformService", plural: "platformservices" };
const gateways: Resource<Gateway> = { ...gatewayApi, kind: "Gateway", plural: "gateways" };
const routes: Resource<KubeObject> = { ...gatewayApi, kind: "HTTPRoute", plural: "httproutes" };

const namespace = "plinth-bench";
const image = "plinth/notes:0.1.0";
const rounds = 20;
/** Quick enough for a p95 that is not one request. */
const newRoutes = 100;
const atOnce = 10;
const answer = 'require("node:http").createServer((_, response) => response.end("here")).listen(8080)';

/** What a person waits for on a cluster where the platform is installed (KUBECONFIG): images are there, nothing else runs. */
export async function benchCluster(): Promise<void> {
  const cluster = await loadClusterConfig({ kubeconfig: process.env["KUBECONFIG"] });
  const transport = createHttpTransport({
    cluster,
    userAgent: "plinth-bench",
    clock: systemClock,
    random: systemRandom,
  });
  const client = createApiClient(transport);
  try {
    await client.create(resources.namespaces, { metadata: { name: namespace } });
    await applyToReady(client);
    await routeToSuccess(client);
  } finally {
    const { items } = await client.list(services, { namespace });
    for (const { metadata } of items) await client.delete(services, metadata);
    await until(async () => (await client.list(services, { namespace })).items.length === 0, 200);
    await client.delete(resources.namespaces, { name: namespace });
    await transport.close();
  }
}

/** A service with everything: schema, migration, two instances, route. */
const full = (name: string): Pick<ServiceObject, "metadata" | "spec"> => ({
  metadata: { name, namespace },
  spec: {
    image,
    command: ["node", "-e", answer],
    replicas: 2,
    health: { port: "Service", livePath: "/", readyPath: "/" },
    database: {
      schema: `bench_${name.replaceAll("-", "_")}`,
      migrations: { path: "/app/migrations" },
      deletionPolicy: "Delete",
    },
    route: { rules: [{ path: `/${namespace}/${name}`, authentication: "None" }] },
  },
});

async function applyToReady(client: ApiClient): Promise<void> {
  const oneByOne: number[] = [];
  for (let round = 0; round < rounds; round++) {
    oneByOne.push(await timeToReady(client, `one-${round}`));
    // The first serves the routes below; of the others no instances stay behind to share the machine with the next.
    if (round > 0) await client.delete(services, { namespace, name: `one-${round}` });
  }
  const together = await Promise.all(Array.from({ length: atOnce }, (_, i) => timeToReady(client, `many-${i}`)));
  printTable("From apply to Ready: schema, migration, two instances, route", [
    { applied: `${rounds} one after another`, ...summary(oneByOne) },
    { applied: `${atOnce} at once`, ...summary(together) },
  ]);
}

async function timeToReady(client: ApiClient, name: string): Promise<number> {
  const begin = performance.now();
  await client.create(services, full(name));
  await until(async () => isTrue((await client.get(services, { namespace, name })).status?.conditions, "Ready"), 50);
  return performance.now() - begin;
}

/** From the API server's answer to a new HTTPRoute to the first request that it serves. */
async function routeToSuccess(client: ApiClient): Promise<void> {
  const [gateway] = (await client.list(gateways, { namespace: "plinth" })).items;
  const address = gateway?.status?.addresses?.[0]?.value;
  if (!gateway || !address) throw new Error("no Gateway of the platform has an address: is the platform installed?");
  const timesMs: number[] = [];
  for (let round = 0; round < newRoutes; round++) {
    const path = `/${namespace}/route-${round}`;
    await client.create(routes, {
      metadata: { name: `route-${round}`, namespace },
      spec: {
        parentRefs: [{ name: gateway.metadata.name, namespace: "plinth" }],
        rules: [
          { matches: [{ path: { type: "PathPrefix", value: path } }], backendRefs: [{ name: "one-0", port: 8080 }] },
        ],
      },
    } as never);
    const begin = performance.now();
    await until(async () => (await fetch(`http://${address}${path}`)).status === 200, 2);
    timesMs.push(performance.now() - begin);
  }
  printTable("From a new HTTPRoute to its first success, asked every 2 ms", [
    { routes: newRoutes, ...summary(timesMs) },
  ]);
}

function summary(timesMs: readonly number[]) {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { "p50 ms": at(0.5), "p95 ms": at(0.95), "max ms": at(1) };
}
