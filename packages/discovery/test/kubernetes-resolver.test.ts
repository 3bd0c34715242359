import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import {
  type ApiClient,
  createApiClient,
  createHttpTransport,
  loadClusterConfig,
  resources,
  type Transport,
} from "@plinth/kube";
import { eventually } from "@plinth/testing";
import { type ApiServer, startApiServer, whyNoApiServer } from "@plinth/testing/kube";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Endpoint } from "../src/index.ts";
import { createKubernetesResolver, type KubernetesResolverOptions } from "../src/kubernetes/kubernetes-resolver.ts";

const missing = whyNoApiServer();
const tools = { logger: silentLogger, clock: systemClock, random: systemRandom };

describe.skipIf(missing)(`discovery: kubernetes${missing ? ` (${missing})` : ""}`, () => {
  let server: ApiServer;
  let transport: Transport;
  let client: ApiClient;
  let namespace = "";
  let count = 0;

  beforeAll(async () => {
    server = await startApiServer();
    transport = createHttpTransport({
      cluster: await loadClusterConfig({ kubeconfig: server.kubeconfig }),
      userAgent: "test",
      ...tools,
    });
    client = createApiClient(transport);
  });
  afterAll(async () => {
    await transport?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    namespace = `shop-${++count}`;
    await client.create(resources.namespaces, { metadata: { name: namespace } });
  });

  async function resolver(options: Partial<KubernetesResolverOptions> = {}) {
    const created = await createKubernetesResolver({
      kubeconfig: server.kubeconfig,
      namespace,
      mode: "endpoints",
      platformNamespace: namespace,
      ...tools,
      ...options,
    });
    onTestFinished(() => created.stop?.(AbortSignal.timeout(5_000)));
    return created;
  }

  async function follow(service: string, options: Partial<KubernetesResolverOptions> = {}) {
    const history: (readonly Endpoint[])[] = [];
    (await resolver(options)).watch(service, (endpoints) => history.push(endpoints));
    return {
      history,
      now: () =>
        (history.at(-1) ?? []).map(
          (e) => `${e.host}:${e.port}${e.draining ? " draining" : ""}${e.zone ? ` ${e.zone}` : ""}`,
        ),
    };
  }

  interface Part {
    address: string;
    ready?: boolean;
    serving?: boolean;
    terminating?: boolean;
    zone?: string;
  }

  /** Says what the endpoint slice controller would say. */
  const slice = (name: string, service: string, parts: Part[], where = namespace) =>
    client.apply(
      resources.endpointSlices,
      {
        metadata: { name, namespace: where, labels: { "kubernetes.io/service-name": service } },
        addressType: "IPv4",
        ports: [
          { name: "admin", port: 9090 },
          { name: "grpc", port: 8080 },
        ],
        endpoints: parts.map(({ address, zone, ...conditions }) => ({
          addresses: [address],
          conditions,
          targetRef: { kind: "Pod", name: `pod-${address}`, uid: `uid-${address}` },
          ...(zone ? { zone } : {}),
        })),
      },
      { fieldManager: "test", force: true },
    );

  test("endpoints come from all slices of the service, by the named port, and follow every change", async () => {
    await slice("auth-1", "auth", [{ address: "198.18.0.1", ready: true, zone: "a" }]);
    await slice("other-1", "other", [{ address: "198.18.0.9", ready: true }]);
    const auth = await follow("auth");
    await eventually(() => expect(auth.now()).toEqual(["198.18.0.1:8080 a"]));
    await slice("auth-2", "auth", [{ address: "198.18.0.2", ready: true }]);
    await eventually(() => expect(auth.now()).toEqual(["198.18.0.1:8080 a", "198.18.0.2:8080"]));
    await client.delete(resources.endpointSlices, { name: "auth-1", namespace });
    await eventually(() => expect(auth.now()).toEqual(["198.18.0.2:8080"]));
  });

  test("what does not serve is left out, what terminates but serves drains, and a moving endpoint counts once", async () => {
    await slice("auth-1", "auth", [
      { address: "198.18.0.1", ready: false, serving: false },
      { address: "198.18.0.2", ready: false, serving: true, terminating: true },
      { address: "198.18.0.3", ready: true },
    ]);
    await slice("auth-2", "auth", [{ address: "198.18.0.3", ready: true }]);
    const auth = await follow("auth");
    await eventually(() => expect(auth.now()).toEqual(["198.18.0.2:8080 draining", "198.18.0.3:8080"]));
  });

  test("a slice of a Service whose pods have not started, which the API server writes with null for both lists, is empty", async () => {
    const metadata = { name: "auth-1", namespace, labels: { "kubernetes.io/service-name": "auth" } };
    const made = await client.create(resources.endpointSlices, {
      metadata,
      addressType: "IPv4",
      ports: null,
      endpoints: null,
    } as never);
    expect(made.ports).toBeNull();
    const auth = await follow("auth");
    await eventually(() => expect(auth.history).toEqual([[]]));
    await slice("auth-1", "auth", [{ address: "198.18.0.1", ready: true }]);
    await eventually(() => expect(auth.now()).toEqual(["198.18.0.1:8080"]));
  });

  test("a service without slices is known to have no endpoints; one of another namespace is found by its full name", async () => {
    const none = await follow("nothing");
    await eventually(() => expect(none.history).toEqual([[]]));
    await client.create(resources.namespaces, { metadata: { name: `${namespace}-b` } });
    await slice("auth-1", "auth", [{ address: "198.18.0.7", ready: true }], `${namespace}-b`);
    const other = await follow(`auth.${namespace}-b`);
    await eventually(() => expect(other.now()).toEqual(["198.18.0.7:8080"]));
  });

  test("the platform's services are found by their bare names from every namespace, and no neighbour passes for one", async () => {
    await client.create(resources.namespaces, { metadata: { name: `${namespace}-platform` } });
    await slice("auth-1", "auth", [{ address: "198.18.0.7", ready: true }], `${namespace}-platform`);
    await slice("auth-1", "auth", [{ address: "198.18.0.8", ready: true }]);
    await slice("stock-1", "stock", [{ address: "198.18.0.9", ready: true }]);
    const platformNamespace = `${namespace}-platform`;
    const auth = await follow("auth", { platformNamespace });
    const stock = await follow("stock", { platformNamespace });
    await eventually(() => expect(auth.now()).toEqual(["198.18.0.7:8080"]));
    await eventually(() => expect(stock.now()).toEqual(["198.18.0.9:8080"]));
    const named = await follow("auth", { platformNamespace, mode: "service" });
    expect(named.now()).toEqual([`auth.${platformNamespace}.svc:8080`]);
  });

  test("in mode service the Service's name is the endpoint, and nothing is watched", async () => {
    const auth = await follow("auth", { mode: "service" });
    expect(auth.now()).toEqual([`auth.${namespace}.svc:8080`]);
  });

  test("without the right to read slices the Service's name is the endpoint", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "plinth-kubeconfig-"));
    const kubeconfig = path.join(folder, "config");
    await writeFile(
      kubeconfig,
      (await readFile(server.kubeconfig, "utf8")).replace(server.adminToken, server.nobodyToken),
    );
    const auth = await follow("auth", { kubeconfig });
    await eventually(() => expect(auth.now()).toEqual([`auth.${namespace}.svc:8080`]));
    await rm(folder, { recursive: true });
  });

  test("while the API server is away the last endpoints stay, and changes are seen afterwards", async () => {
    await slice("auth-1", "auth", [{ address: "198.18.0.1", ready: true }]);
    const auth = await follow("auth");
    await eventually(() => expect(auth.now()).toEqual(["198.18.0.1:8080"]));
    await server.stopApi();
    await server.startApi();
    await eventually(() => slice("auth-1", "auth", [{ address: "198.18.0.2", ready: true }]));
    await eventually(() => expect(auth.now()).toEqual(["198.18.0.2:8080"]), 40_000);
    expect(auth.history.every((endpoints) => endpoints.length === 1)).toBe(true);
  });
});
