import type { RateLimitSpec, RouteRule } from "./platform-service.ts";

/** What the Plinth gateway does with the requests of one rule, beyond what the Gateway API can say. See the schema for the fields. */
export interface RoutePolicyRule {
  /** Name of the rule of the route. */
  name: string;
  authentication?: RouteRule["authentication"];
  rateLimit?: RateLimitSpec;
  idleTimeout?: string;
  maxBodyBytes?: number;
  websocket?: boolean;
}

/** The spec of a RoutePolicy (plinth.dev/v1alpha1). */
export interface RoutePolicySpec {
  targetRef: { group: "gateway.networking.k8s.io"; kind: "HTTPRoute" | "GRPCRoute"; name: string };
  rules: RoutePolicyRule[];
}
