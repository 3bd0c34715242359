import type { Clock, Component, Logger, Random } from "@plinth/kernel";
import {
  type ApiClient,
  createInformer,
  type Informer,
  type KubeObject,
  objectKey,
  type Resource,
  resources,
} from "@plinth/kube";
import { type Gateway, gateways, httpRoutes } from "./gateway-api.ts";
import { labels } from "./labels.ts";
import { childResources, platformServices, type ServiceObject } from "./resources.ts";

/** Name of the index of children: "namespace/name" of the service that they belong to. */
const byService = "service";

/** What the operator knows of the cluster. Kinds of the Gateway API may be missing and come later. */
export interface Caches extends Component {
  services: Informer<ServiceObject>;
  children: readonly Informer<KubeObject>[];
  gateways: Informer<Gateway>;
  /** Pods of instances and migrations, with what they say of themselves and nothing else. */
  pods: Informer<Pod>;
  podsOf(serviceKey: string): Pod[];
  /** Objects with the label of this service, whoever owns them. */
  childrenOf(serviceKey: string): KubeObject[];
  hasGatewayApi(): boolean;
  /** Resolves when it is known whether the cluster has the Gateway API, and if so what is in it. */
  gatewayApiKnown: Promise<void>;
}

type Pod = NonNullable<typeof resources.pods.object>;

export interface CachesOptions {
  client: ApiClient;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Called when the Gateway API appears. */
  changed: () => void;
}

/** When the cluster has no Gateway API, and when it could not be asked. */
const lookAgainMs = 30_000;
const askAgainMs = 1_000;

export function createCaches(options: CachesOptions): Caches {
  const { client, clock, logger } = options;
  const services = createInformer({ ...options, resource: platformServices });
  const gatewayInformer = createInformer({ ...options, resource: gateways });
  const children = (childResources as readonly Resource[]).map((resource) =>
    createInformer({ ...options, resource, labelSelector: labels.service, indexes: { [byService]: serviceKeys } }),
  );
  const isLate = (informer: Informer<KubeObject>): boolean => informer.resource.apiVersion === httpRoutes.apiVersion;
  const pods = createInformer({
    ...options,
    resource: resources.pods,
    labelSelector: labels.component,
    indexes: { [byService]: serviceKeys },
    transform: withoutSpec,
  });
  const late: Informer<never>[] = [...children.filter(isLate), gatewayInformer] as never;
  const stopping = new AbortController();
  const known = Promise.withResolvers<void>();
  let started = false;
  let looking: Promise<void> | undefined;

  async function startLate(): Promise<void> {
    for (const informer of late) await informer.start?.();
    started = true;
    await Promise.race([Promise.all(late.map(({ synced }) => synced)), aborted(stopping.signal)]);
    if (stopping.signal.aborted) return;
    known.resolve();
    options.changed();
  }

  async function lookFor(): Promise<void> {
    while (!stopping.signal.aborted) {
      let waitMs = lookAgainMs;
      try {
        if (await client.serves(httpRoutes, { signal: stopping.signal })) return await startLate();
        known.resolve();
      } catch (err) {
        if (!stopping.signal.aborted) logger.warn({ err }, "could not ask whether the Gateway API is there");
        waitMs = askAgainMs;
      }
      await clock.sleep(waitMs, stopping.signal).catch(() => {});
    }
  }

  return {
    name: "caches",
    services,
    children,
    gateways: gatewayInformer,
    pods,
    podsOf: (serviceKey) => pods.cache.byIndex(byService, serviceKey),
    childrenOf: (serviceKey) => children.flatMap(({ cache }) => cache.byIndex(byService, serviceKey)),
    gatewayApiKnown: known.promise,
    hasGatewayApi: () => started && late.every((informer) => informer.status().synced),
    async start() {
      const early = [services, pods, ...children.filter((informer) => !isLate(informer))];
      await Promise.all(early.map((informer) => informer.start?.()));
      looking = lookFor();
    },
    async stop(signal) {
      stopping.abort();
      await looking;
      await Promise.all([services, pods, gatewayInformer, ...children].map((informer) => informer.stop?.(signal)));
    },
  };
}

/** A pod's spec is most of it, and nobody here reads it. */
function withoutSpec({ metadata, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, labels: own, creationTimestamp } = metadata;
  const kept = { name, namespace, uid, resourceVersion, labels: own, creationTimestamp };
  const { conditions, containerStatuses, initContainerStatuses } = status ?? {};
  return { metadata: kept, status: { conditions, containerStatuses, initContainerStatuses } } as Pod;
}

/** The key of the service that a child's label names. */
export const serviceKeys = ({ metadata }: KubeObject): string[] => {
  const name = metadata.labels?.[labels.service];
  return name === undefined ? [] : [objectKey({ namespace: metadata.namespace, name })];
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
