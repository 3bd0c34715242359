import { readFileSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createHealth, silentLogger, systemClock, systemRandom } from "@plinth/kernel";
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
import { eventually } from "@plinth/testing";
import { type ApiServer, startApiServer } from "@plinth/testing/kube";
import { parseAllDocuments } from "yaml";
import type { ServedTable } from "../src/control/describe-routes.ts";
import { gatewayClasses } from "../src/kubernetes/gateway-api.ts";
import { createKubernetesGateway } from "../src/kubernetes/kubernetes-gateway.ts";
import { tokenAudience, tokenIssuer } from "./harness.ts";

/** A real API server that knows the Gateway API and RoutePolicies, with the namespaces plinth and shop and our class. */
export interface TestCluster {
  api: ApiServer;
  client: ApiClient;
  create<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string, rest: object): Promise<T>;
  stop(): Promise<void>;
}

export async function startTestCluster(): Promise<TestCluster> {
  const api = await startApiServer();
  const cluster = await loadClusterConfig({ kubeconfig: api.kubeconfig });
  const transport = createHttpTransport({ cluster, userAgent: "test", clock: systemClock, random: systemRandom });
  const client = createApiClient(transport);
  await installCrds(client);
  for (const name of ["plinth", "shop"]) await client.create(resources.namespaces, { metadata: { name } });
  await client.create(gatewayClasses, {
    metadata: { name: "plinth" },
    spec: { controllerName: "plinth.dev/gateway" },
  });
  return {
    api,
    client,
    create: (resource, namespace, name, rest) =>
      client.create(resource, { metadata: { name, namespace }, ...rest } as never),
    async stop() {
      await transport.close();
      await api.stop();
    },
  };
}

async function installCrds(client: ApiClient): Promise<void> {
  const files = [
    path.resolve(import.meta.dirname, "../../../charts/plinth/crds/plinth.dev_routepolicies.yaml"),
    path.join(import.meta.dirname, "fixtures/gateway-api.yaml"),
  ];
  for (const file of files) {
    for (const document of parseAllDocuments(readFileSync(file, "utf8"))) {
      const { metadata } = await client.create(resources.customResourceDefinitions, document.toJS() as never);
      await eventually(async () => {
        const crd = await client.get(resources.customResourceDefinitions, { name: metadata.name });
        if (!crd.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True"))
          throw new Error(`${metadata.name} is not established`);
      });
    }
  }
}

export interface RunningKubernetesGateway {
  /** Calls to the API server, leases left out. */
  calls: ApiCall[];
  writes(): ApiCall[];
  /** Why it is not ready. */
  problems(): string[];
  /** What it told last that it serves. */
  served(): readonly ServedTable[] | undefined;
  stop(): Promise<void>;
}

/** `host`: replicas on one machine need addresses of their own, for they open the same ports. */
export async function runKubernetesGateway(
  kubeconfig: string,
  options: { host?: string } = {},
): Promise<RunningKubernetesGateway> {
  const calls: ApiCall[] = [];
  const record = (transport: Transport): Transport => ({
    ...transport,
    send(call) {
      if (!/\/leases(\/|$)/.test(call.path)) calls.push(call);
      return transport.send(call);
    },
    open(call) {
      calls.push(call);
      return transport.open(call);
    },
  });
  let served: readonly ServedTable[] | undefined;
  const health = createHealth();
  const host = options.host ?? "127.0.0.1";
  const gateway = await createKubernetesGateway({
    host,
    port: 0,
    kubeconfig,
    platformNamespace: "plinth",
    serviceType: "ClusterIP",
    discoveryMode: "endpoints",
    identity: `gateway-${host}`,
    health,
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
    tokenIssuer,
    tokenAudience,
    drainDelayMs: 0,
    wrapTransport: record,
    onServed(tables) {
      served = tables;
    },
  });
  const components = [...gateway.workers, gateway.server];
  for (const component of components) await component.start?.();
  health.setStarted();
  return {
    calls,
    served: () => served,
    writes: () => calls.filter(({ method }) => method !== "GET"),
    problems: () => health.problems().map(({ problem }) => problem),
    async stop() {
      const signal = AbortSignal.timeout(30_000);
      for (const component of components.toReversed()) await component.stop?.(signal);
    },
  };
}

/** A kubeconfig file for the user "nobody", who may do what was bound to it. */
export async function restrictedKubeconfig(api: ApiServer): Promise<string> {
  const file = path.join(await mkdtemp(path.join(tmpdir(), "plinth-gateway-")), "kubeconfig.json");
  const cluster = { server: api.url, "certificate-authority-data": Buffer.from(api.ca).toString("base64") };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "t", cluster }],
    users: [{ name: "nobody", user: { token: api.nobodyToken } }],
    contexts: [{ name: "t", context: { cluster: "t", user: "nobody" } }],
    "current-context": "t",
  };
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
