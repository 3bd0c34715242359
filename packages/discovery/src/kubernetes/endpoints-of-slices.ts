import type { V1Endpoint, V1EndpointSlice } from "@kubernetes/client-node";
import type { ObjectOf } from "@plinth/kube";
import type { Endpoint } from "../discovery.ts";

export type Slice = ObjectOf<V1EndpointSlice>;

/** Ports in the order of preference; a slice without any of these names gives its first port. */
const portNames = ["grpc", "http"];

/**
 * The endpoints of one service from all of its slices (discovery.k8s.io/v1): serving ones only, those that terminate
 * marked as draining, each once even while it moves from one slice to another.
 */
export function endpointsOfSlices(slices: readonly Slice[]): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    const port = portOf(slice);
    if (port === undefined || slice.addressType === "FQDN") continue;
    for (const endpoint of slice.endpoints ?? []) {
      const known = toEndpoint(endpoint, port);
      if (known && (!found.has(known.instanceId) || !known.draining)) found.set(known.instanceId, known);
    }
  }
  return [...found.values()].sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
}

function portOf(slice: Slice): number | undefined {
  // The API server writes null for a list without entries: a Service whose pods have not started.
  const ports = slice.ports ?? [];
  const preferred = portNames
    .map((name) => ports.find((port) => port.name === name))
    .find((port) => port !== undefined);
  return (preferred ?? ports[0])?.port ?? undefined;
}

/** An absent condition means true for ready and serving, false for terminating. */
function toEndpoint({ addresses, conditions = {}, targetRef, zone }: V1Endpoint, port: number): Endpoint | undefined {
  const serving = conditions.serving ?? conditions.ready ?? true;
  const [host] = addresses;
  if (!serving || host === undefined) return undefined;
  const instanceId = targetRef?.uid ?? `${host}:${port}`;
  return { instanceId, host, port, draining: conditions.terminating ?? false, ...(zone ? { zone } : {}) };
}
