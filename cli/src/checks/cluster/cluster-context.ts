import { type KubeObject, type Resource, resources } from "@plinth/kube";
import { platformServices, type ServiceObject } from "@plinth/operator";
import type { Cluster } from "../../kubernetes/open-cluster.ts";

/** A cluster, as the checks of a platform see it: what is read more than once is read once. */
export interface ClusterContext extends Cluster {
  /** Where the operator and the platform's own services run. */
  platformNamespace: string;
  services(): Promise<ServiceObject[]>;
  /** Pods of services, of migrations and of the operator. */
  pods(): Promise<NonNullable<typeof resources.pods.object>[]>;
  gateways(): Promise<GatewayObject[]>;
}

/** What is read of https://gateway-api.sigs.k8s.io/reference/spec/ (v1). */
export interface GatewayObject extends KubeObject {
  spec: {
    gatewayClassName: string;
    listeners: {
      name: string;
      tls?: { certificateRefs?: { name: string; namespace?: string; kind?: string }[] };
    }[];
  };
  status?: { conditions?: GatewayCondition[] };
}

export interface GatewayCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

const gatewayApi = "gateway.networking.k8s.io/v1";
export const gateways: Resource<GatewayObject> = {
  apiVersion: gatewayApi,
  kind: "Gateway",
  plural: "gateways",
  namespaced: true,
};
export const gatewayClasses: Resource<KubeObject & { status?: { conditions?: GatewayCondition[] } }> = {
  apiVersion: gatewayApi,
  kind: "GatewayClass",
  plural: "gatewayclasses",
  namespaced: false,
};

/** Pages keep one answer small on a cluster with very many objects. */
const pageSize = 500;

export function clusterContext(cluster: Cluster, platformNamespace: string): ClusterContext {
  const once = <T>(read: () => Promise<T>): (() => Promise<T>) => {
    let reading: Promise<T> | undefined;
    return () => {
      reading ??= read();
      return reading;
    };
  };
  const ours = "plinth.dev/service";
  return {
    ...cluster,
    platformNamespace,
    services: once(() => listAll(cluster, platformServices)),
    gateways: once(() => listAll(cluster, gateways)),
    pods: once(async () => [
      ...(await listAll(cluster, resources.pods, { labelSelector: ours })),
      ...(await listAll(cluster, resources.pods, {
        namespace: platformNamespace,
        labelSelector: `app.kubernetes.io/part-of=plinth,!${ours}`,
      })),
    ]),
  };
}

/** Every object of a kind, page by page; of all namespaces unless one is named. */
export async function listAll<T extends KubeObject>(
  { client }: Pick<Cluster, "client">,
  resource: Resource<T>,
  selection: { namespace?: string | undefined; labelSelector?: string } = {},
): Promise<T[]> {
  const all: T[] = [];
  let continueToken: string | undefined;
  do {
    const page = await client.list(resource, { ...selection, limit: pageSize, continueToken });
    all.push(...page.items);
    continueToken = page.continueToken;
  } while (continueToken !== undefined);
  return all;
}
