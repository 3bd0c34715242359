import { type Clock, isFault, type Logger, locateService, type Random } from "@plinth/kernel";
import {
  createApiClient,
  createHttpTransport,
  createInformer,
  type Informer,
  loadClusterConfig,
  resources,
} from "@plinth/kube";
import type { Endpoint, Resolver } from "../discovery.ts";
import { endpointsOfSlices, type Slice } from "./endpoints-of-slices.ts";

export interface KubernetesResolverOptions {
  /** Value of KUBECONFIG; absent: the pod's own ServiceAccount, which must be allowed to list and watch EndpointSlices. */
  kubeconfig: string | undefined;
  /** Home of services that are named without a namespace. Absent: the one of the context or pod. */
  namespace?: string | undefined;
  /** Home of the platform's own services, whoever calls them. */
  platformNamespace: string;
  /** "endpoints": instances are called directly. "service": the Service's name is, for a mesh that balances itself. */
  mode: "endpoints" | "service";
  logger: Logger;
  clock: Clock;
  random: Random;
}

/** Port of every PlatformService's Service, whatever its instances listen on. */
const servicePort = 8080;

const serviceLabel = "kubernetes.io/service-name";

interface Watched {
  namespace: string;
  name: string;
  informer: Informer<Slice> | undefined;
  endpoints: readonly Endpoint[] | undefined;
  listeners: Set<(endpoints: readonly Endpoint[]) => void>;
}

/**
 * Finds instances through EndpointSlices: readiness is registration, and Kubernetes does it. "name" is a service of the
 * own namespace or one of the platform's, "name.namespace" one of any. While the API server is away the last known endpoints stay.
 */
export async function createKubernetesResolver(options: KubernetesResolverOptions): Promise<Resolver> {
  const { logger, clock, random } = options;
  const cluster = await loadClusterConfig({ kubeconfig: options.kubeconfig });
  const transport = createHttpTransport({ cluster, userAgent: "plinth-discovery", clock, random });
  const client = createApiClient(transport);
  const home = options.namespace ?? cluster.namespace;
  const watched = new Map<string, Watched>();

  function publish(entry: Watched, endpoints: readonly Endpoint[]): void {
    if (entry.endpoints && JSON.stringify(entry.endpoints) === JSON.stringify(endpoints)) return;
    entry.endpoints = Object.freeze(endpoints);
    for (const listener of entry.listeners) listener(endpoints);
  }

  function follow(entry: Watched): Informer<Slice> {
    const { namespace, name } = entry;
    const labelSelector = `${serviceLabel}=${name}`;
    const informer = createInformer<Slice>({
      client,
      resource: resources.endpointSlices,
      namespace,
      labelSelector,
      clock,
      random,
      logger,
    });
    const refresh = () => publish(entry, endpointsOfSlices([...informer.cache.values()]));
    // Nothing is published before the first complete list: half of the instances would look like all of them.
    void informer.synced.then(() => {
      refresh();
      informer.subscribe(refresh);
    });
    void informer.start?.();
    return informer;
  }

  /** Where EndpointSlices may not be read, the Service's name still leads to the service. */
  async function fallBackWhenForbidden(entry: Watched): Promise<void> {
    const { namespace, name } = entry;
    try {
      await client.list(resources.endpointSlices, { namespace, limit: 1 });
    } catch (err) {
      if (!isFault(err) || err.code !== "permission_denied") return;
      logger.warn({ err, service: name, namespace }, "EndpointSlices may not be read, calling the Service by its name");
      await entry.informer?.stop?.(AbortSignal.timeout(1_000));
      publish(entry, [serviceEndpoint(name, namespace, servicePort)]);
    }
  }

  function open(service: string): Watched {
    const { name, namespace } = locateService(service, {
      namespace: home,
      platformNamespace: options.platformNamespace,
    });
    const entry: Watched = { namespace, name, informer: undefined, endpoints: undefined, listeners: new Set() };
    if (options.mode === "endpoints") {
      entry.informer = follow(entry);
      void fallBackWhenForbidden(entry);
    } else entry.endpoints = [serviceEndpoint(name, namespace, servicePort)];
    return entry;
  }

  async function end(service: string, entry: Watched, signal: AbortSignal): Promise<void> {
    watched.delete(service);
    await entry.informer?.stop?.(signal);
  }

  return {
    name: "resolver",
    watch(service, onChange) {
      const entry = watched.get(service) ?? open(service);
      watched.set(service, entry);
      entry.listeners.add(onChange);
      if (entry.endpoints) onChange(entry.endpoints);
      return {
        close() {
          entry.listeners.delete(onChange);
          if (entry.listeners.size === 0) void end(service, entry, AbortSignal.timeout(1_000)).catch(() => {});
        },
      };
    },
    async stop(signal) {
      await Promise.all([...watched].map(([service, entry]) => end(service, entry, signal)));
      await transport.close();
    },
  };
}

/** A Service by its cluster DNS name, as one endpoint that never changes. */
function serviceEndpoint(name: string, namespace: string, port: number): Endpoint {
  const host = `${name}.${namespace}.svc`;
  return { instanceId: host, host, port, draining: false };
}
