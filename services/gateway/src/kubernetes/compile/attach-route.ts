import { objectKey } from "@plinth/kube";
import { gatewayApiGroup, type ParentReference } from "../gateway-api.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { RouteObject } from "./compile-rules.ts";
import type { Finding } from "./finding.ts";
import { intersection, intersects } from "./hostnames.ts";
import type { Listener } from "./listener.ts";

/** A listener that takes a route, and the host names that the route has there. */
export interface Attachment {
  listener: Listener;
  hostnames: readonly string[];
}

/** "namespace/name" of the Gateway that a route wants to be attached to; undefined for a parent of another kind. */
export function gatewayKeyOfParent(route: RouteObject, reference: ParentReference): string | undefined {
  const { group = gatewayApiGroup, kind = "Gateway", namespace = route.object.metadata.namespace, name } = reference;
  return group === gatewayApiGroup && kind === "Gateway" ? objectKey({ namespace, name }) : undefined;
}

/** The listeners that take the route, of those that the reference names; or why there is none. */
export function attachRoute(
  view: ClusterView,
  route: RouteObject,
  reference: ParentReference,
  listeners: readonly Listener[],
): readonly Attachment[] | Finding {
  const named = listeners.filter(
    ({ spec }) =>
      (reference.sectionName === undefined || spec.name === reference.sectionName) &&
      (reference.port === undefined || spec.port === reference.port),
  );
  if (named.length === 0)
    return { reason: "NoMatchingParent", message: "the Gateway has no listener of that name and port" };
  const allowing = named.filter((listener) => allows(view, route, listener));
  if (allowing.length === 0)
    return {
      reason: "NotAllowedByListeners",
      message: `no listener takes a ${route.kind} of the namespace ${route.object.metadata.namespace}`,
    };
  const matching = allowing.flatMap((listener): Attachment[] => {
    const hostnames = hostnamesAt(route, listener);
    return hostnames.length === 0 ? [] : [{ listener, hostnames }];
  });
  if (matching.length === 0)
    return { reason: "NoMatchingListenerHostname", message: "no listener has a host name in common with the route" };
  const free = matching.filter(({ listener, hostnames }) => !isTakenByOtherKind(route, listener, hostnames));
  if (free.length === 0)
    return {
      reason: "HostnameConflict",
      message: `an older ${route.kind === "HTTPRoute" ? "GRPCRoute" : "HTTPRoute"} has the same host names`,
    };
  return free;
}

function allows(view: ClusterView, route: RouteObject, { gateway, spec, kinds }: Listener): boolean {
  if (!kinds.includes(route.kind)) return false;
  const namespace = route.object.metadata.namespace ?? "";
  const { from = "Same", selector } = spec.allowedRoutes?.namespaces ?? {};
  if (from === "All") return true;
  if (from === "Same") return namespace === gateway.metadata.namespace;
  return from === "Selector" && view.namespaceMatches(namespace, selector);
}

function hostnamesAt({ object }: RouteObject, { hostname }: Listener): string[] {
  const own = object.spec.hostnames ?? [];
  if (own.length === 0) return [hostname];
  return [...new Set(own.flatMap((name) => intersection(name.toLowerCase(), hostname) ?? []))];
}

/** A host of a listener is served by routes of one kind (GEP-1016); routes come in order of age. */
function isTakenByOtherKind(route: RouteObject, listener: Listener, hostnames: readonly string[]): boolean {
  for (const other of listener.attached.values()) {
    if (other.kind === route.kind) continue;
    if (other.hostnames.some((name) => hostnames.some((own) => intersects(name, own)))) return true;
  }
  return false;
}
