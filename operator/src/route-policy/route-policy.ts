import type { KubeObject, Resource } from "@plinth/kube";
import type { RateLimitSpec, RouteRule } from "@plinth/platform";

/** See schema.ts for what the fields mean. */
export interface RoutePolicyRule {
  /** Name of the rule of the HTTPRoute. */
  name: string;
  authentication?: RouteRule["authentication"];
  rateLimit?: RateLimitSpec;
  idleTimeout?: string;
  maxBodyBytes?: number;
  websocket?: boolean;
}

export interface RoutePolicy extends KubeObject {
  spec: {
    targetRef: { group: "gateway.networking.k8s.io"; kind: "HTTPRoute" | "GRPCRoute"; name: string };
    rules: RoutePolicyRule[];
  };
}

export const routePolicies: Resource<RoutePolicy> = {
  apiVersion: "plinth.dev/v1alpha1",
  kind: "RoutePolicy",
  plural: "routepolicies",
  namespaced: true,
};
