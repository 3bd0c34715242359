import type { KubeObject } from "@plinth/kube";
import { annotations } from "./labels.ts";
import type { Observed } from "./observed.ts";
import { plan } from "./plan.ts";
import type { ServiceObject } from "./resources.ts";
import type { PlatformSettings } from "./settings.ts";

/** A child as the operator would apply it, with stand-ins for what only a cluster has. */
export type PreviewedChild = KubeObject & Record<string, unknown>;

/** Stands for passwords, keys and addresses. */
const standIn = "made-by-the-operator";

const settings: PlatformSettings = {
  platformNamespace: "plinth",
  gateway: { name: "plinth", namespace: "plinth" },
  migratorImage: standIn,
  migrationSource: "copy",
  tokenIssuer: "https://api.example.com",
  tokenAudience: "plinth",
  logLevel: "info",
  otlpEndpoint: undefined,
  discoveryMode: "endpoints",
  metricsNamespaces: [],
};

/** A cluster in which everything outside of the service is there, and works. */
const surroundings: Omit<Observed, "children"> = {
  dependencies: [],
  databaseServer: { url: `postgres://admin:${standIn}@postgres.example.com:5432/plinth` },
  databaseAttempt: { done: true },
  freshPasswords: { ddl: standIn, runtime: standIn },
  bus: { url: `postgres://plinth_bus:${standIn}@postgres.example.com:5432/plinth` },
  workloadKeys: { jwks: standIn, issuer: "https://kubernetes.default.svc" },
  gatewayApi: { served: true, gateway: undefined },
  migrationPods: [],
  serverPods: [],
};

const gateway = {
  metadata: { name: settings.gateway.name, namespace: settings.gateway.namespace },
  spec: { gatewayClassName: "plinth", listeners: [{ name: "https", port: 443, protocol: "HTTPS" }] },
};

/** Stages are schema, migrations, instances and route; each may need a look of its own. */
const roundsMax = 12;

/**
 * Everything that the operator would make of a PlatformService, in the order of its stages, by carrying out its own plan on
 * an imagined cluster. Pure. What depends on passwords (hashes, names of Jobs) is left out or stands as `HASH`.
 */
export function previewChildren(service: ServiceObject): PreviewedChild[] {
  const observed = { ...surroundings, gatewayApi: { served: true, gateway } };
  const running = { ...service, spec: { ...service.spec, paused: false } };
  let children: KubeObject[] = [];
  for (let round = 0; round < roundsMax; round++) {
    const { apply } = plan(running, settings, { ...observed, children }, 0);
    if (apply.length === 0) break;
    for (const { resource, object } of apply) {
      const made = { apiVersion: resource.apiVersion, kind: resource.kind, ...object } as KubeObject;
      const others = children.filter(
        ({ kind, metadata }) => !(kind === made.kind && metadata.name === made.metadata.name),
      );
      children = [...others, succeeded(made)];
    }
  }
  return children.map((child) => withoutTheMoment(child as PreviewedChild, service));
}

/** The child with the status that its controller would give it when all is well. */
function succeeded(child: KubeObject): PreviewedChild {
  const { spec = {} } = child as { spec?: { replicas?: number } };
  const count = spec.replicas ?? 1;
  const metadata = { ...child.metadata, uid: child.metadata.name, generation: 1 };
  switch (child.kind) {
    case "Job":
      return { ...child, metadata, status: { conditions: [{ type: "Complete", status: "True" }] } };
    case "Deployment":
      return {
        ...child,
        metadata,
        status: {
          observedGeneration: 1,
          ...{ replicas: count, updatedReplicas: count, readyReplicas: count, availableReplicas: count },
          conditions: [{ type: "Available", status: "True" }],
        },
      };
    default:
      return { ...child, metadata };
  }
}

const ofTheMoment = new Set<string>([
  annotations.applied,
  annotations.prepared,
  annotations.migration,
  annotations.attempt,
  annotations.podTemplate,
  annotations.podRevision,
  annotations.credentials,
]);

/** Without what the imagined cluster added and what differs from one cluster to the next. */
function withoutTheMoment(child: PreviewedChild, { metadata: { name: service } }: ServiceObject): PreviewedChild {
  const { status: _, ...object } = child;
  const { uid: __, generation: ___, ownerReferences: ____, ...metadata } = object.metadata;
  const name = child.kind === "Job" ? `${service}-migrate-HASH` : metadata.name;
  const data = child.kind === "Secret" ? { data: withoutValues(child["data"] as object) } : {};
  return withoutHashes({ ...object, ...data, metadata: { ...metadata, name } }) as PreviewedChild;
}

const withoutValues = (data: object): Record<string, string> =>
  Object.fromEntries(Object.keys(data).map((entry) => [entry, standIn]));

function withoutHashes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutHashes);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    if (ofTheMoment.has(key)) return [];
    const kept = withoutHashes(inner);
    const emptied = key === "annotations" && Object.keys(kept as object).length === 0;
    return emptied ? [] : [[key, kept]];
  });
  return Object.fromEntries(entries);
}
