import { serviceHost } from "@plinth/kernel";
import { objectKey, type resources } from "@plinth/kube";
import type { DiscoveredEndpoint } from "../data/resolver.ts";
import type { Service } from "./snapshot.ts";

export type Slice = NonNullable<typeof resources.endpointSlices.object>;

const serviceLabel = "kubernetes.io/service-name";

/** "namespace/name" of the Service that a slice belongs to. */
export const serviceKeyOf = ({ metadata }: Slice): string =>
  objectKey({ namespace: metadata.namespace, name: metadata.labels?.[serviceLabel] ?? "" });

/** Whether an update of a slice says anything that callers of its endpoints should know. */
export const endpointsChanged = (now: Slice, before: Slice): boolean =>
  serviceKeyOf(now) !== serviceKeyOf(before) ||
  JSON.stringify([now.endpoints, now.ports]) !== JSON.stringify([before.endpoints, before.ports]);

/**
 * The addresses behind one port of a Service, from all of its slices (discovery.k8s.io/v1): serving ones only, those that
 * terminate marked as draining, each once even while it moves from one slice to another. The slices' ports bear the
 * names of the Service's ports and the numbers of the pods'.
 */
export function endpointsOf(
  service: Service | undefined,
  port: number,
  slices: readonly Slice[],
): DiscoveredEndpoint[] {
  const found = new Map<string, DiscoveredEndpoint>();
  const name = service?.spec?.ports?.find((candidate) => candidate.port === port)?.name ?? "";
  for (const slice of slices) {
    const target = slice.ports?.find((candidate) => (candidate.name ?? "") === name)?.port;
    if (service === undefined || !target || slice.addressType === "FQDN") continue;
    for (const { addresses, conditions = {} } of slice.endpoints ?? []) {
      const [host] = addresses;
      // An absent condition means true for ready and serving, false for terminating.
      if (host === undefined || !(conditions.serving ?? conditions.ready ?? true)) continue;
      const draining = conditions.terminating ?? false;
      const key = `${host} ${target}`;
      if (!found.has(key) || !draining) found.set(key, { host, port: target, draining });
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}

/**
 * A Service by its name, for a mesh that balances behind it: there while any of its instances serves. A headless one has
 * no address of its own, so its instances stay.
 */
export function behindName(
  service: Service | undefined,
  port: number,
  instances: readonly DiscoveredEndpoint[],
): readonly DiscoveredEndpoint[] {
  if (service === undefined || instances.length === 0 || service.spec?.clusterIP === "None") return instances;
  const { name, namespace = "default" } = service.metadata;
  const draining = instances.every((instance) => instance.draining);
  return [{ host: serviceHost({ name, namespace }), port, draining, byName: true }];
}
