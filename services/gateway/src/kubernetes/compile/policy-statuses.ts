import { objectKey } from "@plinth/kube";
import { gatewayApiGroup } from "../gateway-api.ts";
import type { RoutePolicy } from "../route-policies.ts";
import type { Snapshot } from "../snapshot.ts";
import { gatewayKeyOfParent } from "./attach-route.ts";
import { type Policies, targetOf } from "./compile-policies.ts";
import type { RouteObject } from "./compile-rules.ts";
import type { AncestorVerdict } from "./compiled-cluster.ts";
import { condition } from "./condition-update.ts";

/** What became of each policy, by Gateway that its route belongs to (GEP-713). Only Gateways of ours: `gateways`. */
export function policyStatuses(
  { routePolicies, httpRoutes, grpcRoutes }: Snapshot,
  policies: Policies,
  gateways: ReadonlySet<string>,
): ReadonlyMap<string, readonly AncestorVerdict[]> {
  const routes = new Map<string, RouteObject>([
    ...httpRoutes.map((object) => [`HTTPRoute ${objectKey(object.metadata)}`, { kind: "HTTPRoute", object }] as const),
    ...grpcRoutes.map((object) => [`GRPCRoute ${objectKey(object.metadata)}`, { kind: "GRPCRoute", object }] as const),
  ]);
  return new Map(
    routePolicies.map((policy) => {
      const route = routes.get(targetOf(policy));
      return [
        objectKey(policy.metadata),
        route ? verdicts(policy, route, policies, gateways) : [targetMissing(policy)],
      ];
    }),
  );
}

function targetMissing({ metadata, spec }: RoutePolicy): AncestorVerdict {
  const { kind, name } = spec.targetRef;
  const message = `there is no ${kind} ${name} in the namespace ${metadata.namespace}`;
  return {
    ancestorRef: { group: gatewayApiGroup, kind, namespace: metadata.namespace ?? "", name },
    conditions: [condition("Accepted", "False", "TargetNotFound", message, metadata.generation)],
  };
}

function verdicts(
  policy: RoutePolicy,
  route: RouteObject,
  policies: Policies,
  gateways: ReadonlySet<string>,
): AncestorVerdict[] {
  const parents = (route.object.spec.parentRefs ?? []).flatMap((parent) => gatewayKeyOfParent(route, parent) ?? []);
  const ours = [...new Set(parents)].filter((key) => gateways.has(key));
  const { generation } = policy.metadata;
  const winner = policies.winnerOver(policy);
  const accepted = winner
    ? condition("Accepted", "False", "Conflicted", `the older policy ${winner.metadata.name} counts`, generation)
    : condition("Accepted", "True", "Accepted", acceptedMessage(policy, route), generation);
  return ours.map((key) => {
    const [namespace = "", name = ""] = key.split("/");
    return { ancestorRef: { group: gatewayApiGroup, kind: "Gateway", namespace, name }, conditions: [accepted] };
  });
}

/** An entry for a rule that is not there does no harm, but its author should hear of it. */
function acceptedMessage({ spec }: RoutePolicy, { object }: RouteObject): string {
  const names = new Set((object.spec.rules ?? []).map(({ name }) => name));
  const unknown = spec.rules.filter(({ name }) => !names.has(name)).map(({ name }) => name);
  return unknown.length === 0 ? "the policy is in force" : `the route has no rule named ${unknown.join(", ")}`;
}
