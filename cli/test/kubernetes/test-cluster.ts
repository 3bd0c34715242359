import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { type KubeObject, type Resource, resources } from "@plinth/kube";
import { platformServices } from "@plinth/operator";
import { certificateBetween, eventually, selfSignedCertificate } from "@plinth/testing";
import { type ApiServer, startApiServer } from "@plinth/testing/kube";
import { parseAllDocuments } from "yaml";
import { gatewayClasses, gateways } from "../../src/checks/cluster/cluster-context.ts";
import { type Cluster, openCluster } from "../../src/kubernetes/open-cluster.ts";

const root = path.resolve(import.meta.dirname, "../../..");

/** A real API server on which the test plays operator, gateway, scheduler and kubelets. */
export interface TestCluster extends Cluster {
  api: ApiServer;
  /** A kubeconfig of user "nobody", who may do nothing. */
  nobody: string;
  /** What `pod/container` says, for the kubelet that is played. */
  logs: Map<string, string>;
  set(resource: Resource, namespace: string | undefined, name: string, status: object): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestCluster(): Promise<TestCluster> {
  const api = await startApiServer();
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-cli-kube-"));
  const cluster = await openCluster({ kubeconfig: api.kubeconfig });
  const nobody = path.join(folder, "nobody.json");
  const config = readFileSync(api.kubeconfig, "utf8").replace(api.adminToken, api.nobodyToken);
  await writeFile(nobody, config, { mode: 0o600 });
  const logs = new Map<string, string>();
  const kubelet = await playKubelet(logs);
  const test: TestCluster = {
    ...cluster,
    ...{ api, nobody, logs },
    async set(resource, namespace, name, status) {
      await cluster.client.patch(resource, { namespace, name }, { status }, { type: "merge", subresource: "status" });
    },
    async stop() {
      await cluster.close();
      kubelet.close();
      kubelet.closeAllConnections();
      await api.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await installKinds(cluster);
  await playNode(test, (kubelet.address() as AddressInfo).port);
  return test;
}

const kind = <T extends KubeObject>(
  apiVersion: string,
  name: string,
  plural: string,
  namespaced = false,
): Resource<T> => ({
  ...{ apiVersion, kind: name, plural, namespaced },
});
const nodes = kind("v1", "Node", "nodes");

/** The API server asks a node's kubelet for logs, over HTTPS and without looking at its certificate. */
async function playKubelet(logs: ReadonlyMap<string, string>) {
  const { cert, key } = selfSignedCertificate("kubelet");
  const server = createServer({ cert, key }, (request, response) => {
    const [, , , pod = "", container = ""] = new URL(request.url ?? "", "https://kubelet").pathname.split("/");
    response.end(logs.get(`${pod}/${container}`) ?? "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function playNode(cluster: TestCluster, port: number): Promise<void> {
  await cluster.client.create(nodes, { metadata: { name: "node" } });
  const addresses = [{ type: "InternalIP", address: "127.0.0.1" }];
  await cluster.set(nodes, undefined, "node", { addresses, daemonEndpoints: { kubeletEndpoint: { Port: port } } });
}

async function installKinds({ client }: Cluster): Promise<void> {
  const files = [
    "charts/plinth/crds/plinth.dev_platformservices.yaml",
    "charts/plinth/crds/plinth.dev_routepolicies.yaml",
  ];
  const documents = [...files, "operator/test/fixtures/gateway-api.yaml"].flatMap((file) =>
    parseAllDocuments(readFileSync(path.join(root, file), "utf8")).map((document) => document.toJS() as KubeObject),
  );
  const known = documents.find(({ metadata }) => metadata.name === "gateways.gateway.networking.k8s.io") as never;
  for (const document of [...documents, classesLike(known)]) {
    await client.create(resources.customResourceDefinitions, document as never);
  }
  for (const resource of [platformServices, gateways, gatewayClasses] as Resource[]) {
    await eventually(async () => {
      await client.list(resource);
    });
  }
}

function classesLike(gatewayCrd: { metadata: KubeObject["metadata"]; spec: object }): object {
  const names = {
    kind: "GatewayClass",
    listKind: "GatewayClassList",
    plural: "gatewayclasses",
    singular: "gatewayclass",
  };
  return {
    ...gatewayCrd,
    metadata: { ...gatewayCrd.metadata, name: "gatewayclasses.gateway.networking.k8s.io" },
    spec: { ...gatewayCrd.spec, scope: "Cluster", names },
  };
}

const condition = (type: string) => ({ type, status: "True", reason: type, message: "", lastTransitionTime: now() });
const now = (): string => new Date(systemClock.now()).toISOString();

/** An installation in which everything is as it should be, with one service of a team. */
export async function playInstallation(cluster: TestCluster): Promise<void> {
  const { client } = cluster;
  const namespace = "plinth";
  await client.create(resources.namespaces, { metadata: { name: namespace } });
  await client.create(resources.deployments, operatorDeployment(namespace) as never);
  await cluster.set(resources.deployments, namespace, "plinth-operator", {
    replicas: 1,
    readyReplicas: 1,
    availableReplicas: 1,
  });
  await client.create(resources.leases, {
    metadata: { namespace, name: "plinth-operator" },
    spec: {
      holderIdentity: "plinth-operator-1",
      leaseDurationSeconds: 3_600,
      renewTime: now().replace("Z", "000Z") as never,
    },
  });
  await client.create(gatewayClasses, {
    metadata: { name: "plinth" },
    spec: { controllerName: "plinth.dev/gateway" },
  } as never);
  await cluster.set(gatewayClasses, undefined, "plinth", { conditions: [condition("Accepted")] });
  const listeners = [{ name: "https", port: 443, protocol: "HTTPS", tls: { certificateRefs: [{ name: "edge" }] } }];
  await client.create(gateways, {
    metadata: { namespace, name: "plinth" },
    spec: { gatewayClassName: "plinth", listeners },
  });
  await cluster.set(gateways, namespace, "plinth", { conditions: [condition("Programmed")] });
  const sealing = Buffer.alloc(32, 7).toString("base64");
  for (const name of ["plinth-auth", "plinth-audit"])
    await createSecret(cluster, name, { "key-encryption-key": sealing });
  await createSecret(cluster, "plinth-administrator", { email: "admin@example.com", password: "admin-password-1" });
  await createSecret(cluster, "plinth-database", { url: "postgres://plinth:owner-password@db:5432/plinth" });
  await createSecret(cluster, "edge", { "tls.crt": certificateFor(30) });
  await client.create(platformServices, notes() as never);
  await playReady(cluster, "notes");
  await createPod(cluster, "notes-1");
}

const operatorDeployment = (namespace: string) => ({
  metadata: { namespace, name: "plinth-operator" },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: "operator" } },
    template: {
      metadata: { labels: { app: "operator" } },
      spec: {
        containers: [{ name: "operator", image: "plinth/operator:0.1.0" }],
        volumes: [
          { name: "postgres", secret: { secretName: "plinth-database", items: [{ key: "url", path: "url" }] } },
        ],
      },
    },
  },
});

export const notes = (spec: object = {}) => ({
  metadata: { namespace: "default", name: "notes" },
  spec: {
    image: "example/notes:1",
    replicas: 2,
    database: { schema: "notes", migrations: { path: "/app/migrations" } },
    ...spec,
  },
});

export async function createSecret(cluster: TestCluster, name: string, entries: Record<string, string>): Promise<void> {
  const encoded = Object.entries(entries).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  await cluster.client.delete(resources.secrets, { namespace: "plinth", name });
  await cluster.client.create(resources.secrets, {
    metadata: { namespace: "plinth", name },
    data: Object.fromEntries(encoded) as Record<string, string>,
  });
}

/** What the operator says of a service that is as its spec says, or, with a reason, why it is not. */
export async function playReady(cluster: TestCluster, name: string, trouble?: { reason: string; message: string }) {
  const { metadata } = await cluster.client.get(platformServices, { namespace: "default", name });
  const ready = trouble ? { ...condition("Ready"), ...trouble, status: "False" } : condition("Ready");
  const conditions = [{ ...ready, observedGeneration: metadata.generation }];
  const replicas = { desired: 2, ready: 2, updated: 2, available: 2 };
  await cluster.set(platformServices, "default", name, {
    conditions,
    observedGeneration: metadata.generation,
    replicas,
  });
}

export async function createPod(cluster: TestCluster, name: string, status: object = {}): Promise<void> {
  const namespace = "default";
  await cluster.client.create(resources.pods, {
    metadata: { namespace, name, labels: { "plinth.dev/service": "notes", "plinth.dev/component": "server" } },
    spec: { nodeName: "node", containers: [{ name: "notes", image: "example/notes:1" }] },
  } as never);
  const running = {
    name: "notes",
    image: "example/notes:1",
    imageID: "",
    ready: true,
    restartCount: 0,
    state: { running: {} },
  };
  await cluster.set(resources.pods, namespace, name, { phase: "Running", containerStatuses: [running], ...status });
}

/** PEM of a certificate that is valid for so many days from now on; of the past when negative. */
export function certificateFor(days: number): string {
  const untilMs = systemClock.now() + days * 86_400_000;
  return certificateBetween({ fromMs: untilMs - 60 * 86_400_000, untilMs }, "api.example.com").cert;
}
