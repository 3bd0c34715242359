import { objectKey } from "@plinth/kube";
import type { Route } from "../../data/route.ts";
import { type Attachment, attachRoute, gatewayKeyOfParent } from "./attach-route.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { Policies } from "./compile-policies.ts";
import { type CompiledRules, compileRules, type RouteObject } from "./compile-rules.ts";
import type { ParentVerdict } from "./compiled-cluster.ts";
import { condition } from "./condition-update.ts";
import type { Finding } from "./finding.ts";
import type { Listener } from "./listener.ts";
import { compareAge } from "./order.ts";

type Verdicts = ReadonlyMap<string, readonly ParentVerdict[]>;

/** Attaches all routes to the listeners, the oldest first, and says of each parent what came of it. */
export function compileRoutes(
  view: ClusterView,
  policies: Policies,
  gateways: ReadonlyMap<string, readonly Listener[]>,
): { httpRoutes: Verdicts; grpcRoutes: Verdicts } {
  const { httpRoutes, grpcRoutes } = view.snapshot;
  const routes: RouteObject[] = [
    ...httpRoutes.map((object): RouteObject => ({ kind: "HTTPRoute", object })),
    ...grpcRoutes.map((object): RouteObject => ({ kind: "GRPCRoute", object })),
  ].sort((a, b) => compareAge(a.object, b.object));
  const verdicts = { HTTPRoute: new Map<string, ParentVerdict[]>(), GRPCRoute: new Map<string, ParentVerdict[]>() };
  for (const route of routes)
    verdicts[route.kind].set(objectKey(route.object.metadata), compileRoute(view, policies, route, gateways));
  return { httpRoutes: verdicts.HTTPRoute, grpcRoutes: verdicts.GRPCRoute };
}

function compileRoute(
  view: ClusterView,
  policies: Policies,
  route: RouteObject,
  gateways: ReadonlyMap<string, readonly Listener[]>,
): ParentVerdict[] {
  let rules: CompiledRules | undefined;
  return (route.object.spec.parentRefs ?? []).flatMap((parentRef): ParentVerdict[] => {
    const listeners = gateways.get(gatewayKeyOfParent(route, parentRef) ?? "");
    if (listeners === undefined) return [];
    rules ??= compileRules(view, policies, route);
    const attached = rules.invalid?.all ? rules.invalid : attachRoute(view, route, parentRef, listeners);
    if (!("reason" in attached)) for (const attachment of attached) add(route, rules, attachment);
    return [{ parentRef, conditions: conditionsOf(route, rules, "reason" in attached ? attached : undefined) }];
  });
}

function add({ kind, object }: RouteObject, { matches }: CompiledRules, { listener, hostnames }: Attachment): void {
  const { name, namespace = "", creationTimestamp: created = "" } = object.metadata;
  const key = `${kind} ${namespace}/${name}`;
  // Two parents may name the same listener.
  if (listener.attached.has(key)) return;
  listener.attached.set(key, { kind, hostnames });
  for (const { route, ruleIndex, matchIndex } of matches) {
    for (const hostname of hostnames) {
      const { pathType, path, conditions } = route;
      const rank = { hostname, pathType, path, conditions, created, namespace, name, ruleIndex, matchIndex };
      listener.routes.push({ route: Object.freeze({ ...route, hostname }) satisfies Route, rank });
    }
  }
}

function conditionsOf(
  { object }: RouteObject,
  { unresolved, invalid }: CompiledRules,
  refused: Finding | undefined,
): ParentVerdict["conditions"] {
  const { generation } = object.metadata;
  return [
    refused
      ? condition("Accepted", "False", refused.reason, refused.message, generation)
      : condition("Accepted", "True", "Accepted", "the route is served", generation),
    unresolved
      ? condition("ResolvedRefs", "False", unresolved.reason, unresolved.message, generation)
      : condition("ResolvedRefs", "True", "ResolvedRefs", "everything that the route refers to is there", generation),
    ...(invalid && !invalid.all
      ? [condition("PartiallyInvalid", "True", "UnsupportedValue", `Dropped Rule: ${invalid.message}`, generation)]
      : []),
  ];
}
