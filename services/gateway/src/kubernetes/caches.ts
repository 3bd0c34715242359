import type { Clock, Component, Logger, Random } from "@plinth/kernel";
import {
  type ApiClient,
  type Change,
  createInformer,
  type Informer,
  type KubeObject,
  objectKey,
  resources,
  specChanged,
} from "@plinth/kube";
import { endpointsChanged, type Slice, serviceKeyOf } from "./endpoints.ts";
import { gatewayApiGroup, gatewayClasses, gateways, grpcRoutes, httpRoutes, referenceGrants } from "./gateway-api.ts";
import { routePolicies } from "./route-policies.ts";
import type { GatewayApiRelease, Snapshot } from "./snapshot.ts";

export interface CachesOptions {
  client: ApiClient;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Something changed that decides what is served. */
  changed: () => void;
  /** A status changed, by our hand or another's. */
  statusChanged: (object: KubeObject) => void;
  /** Endpoints of a Service ("namespace/name") changed. */
  endpointsChanged: (serviceKey: string) => void;
}

/** What the gateway knows of the cluster: one watch for each kind, whatever the number of routes. */
export interface Caches extends Component {
  /** Resolves when everything was listed once. */
  synced: Promise<void>;
  /** Why it is not synced; undefined when it is. */
  problem(): string | undefined;
  snapshot(): Omit<Snapshot, "platformNamespace" | "openPorts">;
  service(key: string): Snapshot["services"][number] | undefined;
  /** The object of a status, as last seen. */
  find(kind: string, key: string): KubeObject | undefined;
  slicesOf(serviceKey: string): readonly Slice[];
}

const byService = "service";

export function createCaches(options: CachesOptions): Caches {
  const { changed, statusChanged } = options;
  const kinds = {
    gatewayClasses: createInformer({ ...options, resource: gatewayClasses }),
    gateways: createInformer({ ...options, resource: gateways }),
    httpRoutes: createInformer({ ...options, resource: httpRoutes }),
    grpcRoutes: createInformer({ ...options, resource: grpcRoutes }),
    referenceGrants: createInformer({ ...options, resource: referenceGrants }),
    routePolicies: createInformer({ ...options, resource: routePolicies }),
    services: createInformer({ ...options, resource: resources.services }),
    secrets: createInformer({ ...options, resource: resources.secrets, fieldSelector: "type=kubernetes.io/tls" }),
    namespaces: createInformer({ ...options, resource: resources.namespaces }),
  };
  // Only to tell which release they are of, so nothing waits for them: who may not read them serves all the same.
  const definitions = createInformer({
    ...options,
    resource: resources.customResourceDefinitions,
    fieldSelector: `metadata.name=${httpRoutes.plural}.${gatewayApiGroup}`,
    metadataOnly: true,
  });
  const slices = createInformer<Slice>({
    ...options,
    resource: resources.endpointSlices,
    indexes: { [byService]: (slice) => [serviceKeyOf(slice)] },
  });
  const all = [...Object.values(kinds), slices] as unknown as readonly Informer<KubeObject>[];

  /** Objects whose status is ours to write: a change of nothing else needs no compiling. */
  const hasStatus = new Set<string>(
    [gatewayClasses, gateways, httpRoutes, grpcRoutes, routePolicies].map(({ kind }) => kind),
  );
  function onChange(change: Change<KubeObject>): void {
    const { object } = change;
    if (change.type === "updated" && hasStatus.has(object.kind ?? "") && !specChanged(object, change.previous))
      statusChanged(object);
    else changed();
  }

  function follow(): void {
    for (const informer of Object.values(kinds) as unknown as Informer<KubeObject>[]) informer.subscribe(onChange);
    definitions.subscribe(changed);
    slices.subscribe((change) => {
      if (change.type === "updated" && !endpointsChanged(change.object, change.previous)) return;
      options.endpointsChanged(serviceKeyOf(change.object));
    });
  }

  const values = <T extends KubeObject>(informer: Informer<T>): T[] => [...informer.cache.values()];
  const synced = Promise.all(all.map((informer) => informer.synced)).then(follow);
  return {
    name: "caches",
    synced,
    problem() {
      const waiting = all.find((informer) => !informer.status().synced);
      return (
        waiting &&
        `${waiting.resource.kind}s are not listed yet: ${waiting.status().lastError ?? "waiting for the API server"}`
      );
    },
    snapshot: () => ({
      gatewayClasses: values(kinds.gatewayClasses),
      gateways: values(kinds.gateways),
      httpRoutes: values(kinds.httpRoutes),
      grpcRoutes: values(kinds.grpcRoutes),
      referenceGrants: values(kinds.referenceGrants),
      routePolicies: values(kinds.routePolicies),
      services: values(kinds.services),
      secrets: values(kinds.secrets),
      namespaces: values(kinds.namespaces),
      gatewayApi: releaseOf(values(definitions)[0]),
    }),
    service: (key) => kinds.services.cache.get(key),
    find: (kind, key) => all.find((informer) => informer.resource.kind === kind)?.cache.get(key),
    slicesOf: (serviceKey) => slices.cache.byIndex(byService, serviceKey),
    async start() {
      for (const informer of [...all, definitions]) await informer.start?.();
    },
    async stop(signal) {
      await Promise.all([...all, definitions].map((informer) => informer.stop?.(signal)));
    },
  };
}

/** "Kind namespace/name" */
export const statusKeyOf = (object: KubeObject): string => `${object.kind} ${objectKey(object.metadata)}`;

function releaseOf(definition: KubeObject | undefined): GatewayApiRelease | undefined {
  const { annotations = {} } = definition?.metadata ?? {};
  return (
    definition && {
      version: annotations[`${gatewayApiGroup}/bundle-version`],
      channel: annotations[`${gatewayApiGroup}/channel`],
    }
  );
}
