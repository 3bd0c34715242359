import { type KubeObject, type Resource, resources } from "@plinth/kube";
import { childResources, labels, platformServices } from "@plinth/operator";
import { runChecks } from "../checks/check.ts";
import { clusterChecks } from "../checks/cluster/cluster-checks.ts";
import { type ClusterContext, gatewayClasses, gateways, listAll } from "../checks/cluster/cluster-context.ts";
import type { Collector } from "./collector.ts";
import type { Redactor } from "./redact.ts";

const logBytesMax = 1024 * 1024;
/** Logs of more pods than this are left out. */
const podsMax = 100;
const metricsTimeoutMs = 5_000;

/** Entries of Secrets that hold no secret, and would make texts unreadable when they were taken for one. */
const publicEntries = /^(username|email|brokers|mechanism|tls|partitions|replication|ca\.crt|tls\.crt)$/;

type Pod = NonNullable<typeof resources.pods.object>;

/** The platform on Kubernetes: PlatformServices with all that belongs to them, their pods' logs, Events, and the checks. */
export async function collectCluster(context: ClusterContext, redactor: Redactor, collector: Collector): Promise<void> {
  const services = await context.services().catch(() => []);
  const namespaces = [
    ...new Set([context.platformNamespace, ...services.map(({ metadata }) => metadata.namespace)]),
  ].toSorted();
  for (const namespace of namespaces) await learnSecrets(context, namespace, redactor);
  await collector.object("checks.yaml", async () => ({
    checks: await runChecks(clusterChecks, context, { clock: context.clock }),
  }));
  await collector.object("version.yaml", async () => {
    return (await context.transport.send({ method: "GET", path: "/version" })).body as object;
  });
  const list = async <T extends KubeObject>(resource: Resource<T>, file: string, selection = {}): Promise<void> =>
    collector.object(file, async () => ({
      items: (await listAll(context, resource, selection)).map((item) => ({ kind: resource.kind, ...item })),
    }));
  await list(platformServices, "platformservices.yaml");
  await list(gatewayClasses, "gatewayclasses.yaml");
  await list(gateways, "gateways.yaml");
  for (const namespace of namespaces) {
    for (const resource of [...childResources, resources.pods, resources.endpointSlices] as readonly Resource[]) {
      const ours = namespace === context.platformNamespace ? {} : { labelSelector: labels.service };
      await list(resource, `${namespace}/${resource.plural}.yaml`, { namespace, ...ours });
    }
    await list(resources.events, `${namespace}/events.yaml`, { namespace });
  }
  await list(resources.leases, `${context.platformNamespace}/leases.yaml`, { namespace: context.platformNamespace });
  for (const pod of (await context.pods().catch(() => [])).slice(0, podsMax)) await collectPod(context, pod, collector);
}

/** So that values are recognised wherever they were written. What this account may not read it cannot recognise. */
async function learnSecrets(context: ClusterContext, namespace: string, redactor: Redactor): Promise<void> {
  const secrets = await listAll(context, resources.secrets, { namespace }).catch(() => []);
  for (const { data = {} } of secrets) {
    for (const [entry, value] of Object.entries(data)) {
      if (!publicEntries.test(entry)) redactor.add(Buffer.from(value, "base64").toString("utf8"));
    }
  }
}

async function collectPod({ client, transport }: ClusterContext, pod: Pod, collector: Collector): Promise<void> {
  const { name, namespace } = pod.metadata;
  const folder = `${namespace}/logs/${name}`;
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const { name: container, restartCount } of statuses) {
    const options = { container, bytesMax: logBytesMax, tailLines: 10_000 };
    await collector.text(`${folder}-${container}.log`, () => client.logs({ namespace, name }, options));
    if (restartCount === 0) continue;
    await collector.text(`${folder}-${container}.previous.log`, () =>
      client.logs({ namespace, name }, { ...options, previous: true }),
    );
  }
  if (pod.status?.phase !== "Running") return;
  await collector.text(`${namespace}/metrics/${name}.txt`, async () => {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}:9090/proxy/metrics`;
    const { body } = await transport.send({ method: "GET", path, accept: "*/*", timeoutMs: metricsTimeoutMs });
    return String(body);
  });
}
