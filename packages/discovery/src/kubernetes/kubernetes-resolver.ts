import { type Clock, isFault, type Logger, locateService, type Random, serviceHost } from "@plinth/kernel";
import {
  createApiClient,
  createHttpTransport,
  createInformer,
  type Informer,
  loadClusterConfig,
  resources,
} from "@plinth/kube";
import type { Endpoint, Resolver } from "../discovery.ts";
import { createFollowedServices } from "../shared/followed-services.ts";
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
  const informers = new Map<string, Informer<Slice>>();
  const stopping = new AbortController();
  // An informer keeps what it knows by itself while the API server is away: nobody needs a grace.
  const followed = createFollowedServices({ clock, graceMs: 0, stopping: stopping.signal, opened, closed });

  function follow(service: string, namespace: string, name: string): Informer<Slice> {
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
    const refresh = () => followed.publish(service, endpointsOfSlices([...informer.cache.values()]));
    // Nothing is published before the first complete list: half of the instances would look like all of them.
    void informer.synced.then(() => {
      refresh();
      informer.subscribe(refresh);
    });
    void informer.start?.();
    return informer;
  }

  /** Where EndpointSlices may not be read, the Service's name still leads to the service. */
  async function fallBackWhenForbidden(service: string, namespace: string, name: string): Promise<void> {
    try {
      await client.list(resources.endpointSlices, { namespace, limit: 1 });
    } catch (err) {
      if (!isFault(err) || err.code !== "permission_denied") return;
      logger.warn({ err, service: name, namespace }, "EndpointSlices may not be read, calling the Service by its name");
      await informers.get(service)?.stop?.(AbortSignal.timeout(1_000));
      followed.publish(service, [serviceEndpoint(name, namespace, servicePort)]);
    }
  }

  function opened(service: string): void {
    const { name, namespace } = locateService(service, {
      namespace: home,
      platformNamespace: options.platformNamespace,
    });
    if (options.mode === "endpoints") {
      informers.set(service, follow(service, namespace, name));
      void fallBackWhenForbidden(service, namespace, name);
    } else followed.publish(service, [serviceEndpoint(name, namespace, servicePort)]);
  }

  async function end(service: string, signal: AbortSignal): Promise<void> {
    const informer = informers.get(service);
    informers.delete(service);
    await informer?.stop?.(signal);
  }

  function closed(service: string): void {
    void end(service, AbortSignal.timeout(1_000)).catch(() => {});
  }

  return {
    name: "resolver",
    watch: followed.watch,
    async stop(signal) {
      stopping.abort();
      await Promise.all([...informers.keys()].map((service) => end(service, signal)));
      await transport.close();
    },
  };
}

/** A Service by its cluster DNS name, as one endpoint that never changes. */
function serviceEndpoint(name: string, namespace: string, port: number): Endpoint {
  const host = serviceHost({ name, namespace });
  return { instanceId: host, host, port, draining: false };
}
