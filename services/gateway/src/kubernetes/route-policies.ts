import type { Condition, KubeObject, Resource } from "@plinth/kube";
import { apiVersion, type RoutePolicySpec } from "@plinth/platform";

/** The Gateway (or the missing route) that a policy takes effect on (GEP-713). */
export interface AncestorReference {
  group: string;
  kind: string;
  namespace: string;
  name: string;
}

export interface AncestorStatus {
  ancestorRef: Partial<AncestorReference> & { name: string };
  controllerName: string;
  conditions?: Condition[];
}

export interface RoutePolicy extends KubeObject {
  spec: RoutePolicySpec;
  status?: { ancestors?: AncestorStatus[] };
}

export const routePolicies: Resource<RoutePolicy> = {
  apiVersion,
  kind: "RoutePolicy",
  plural: "routepolicies",
  namespaced: true,
};
