import type { KubeObject, Resource } from "@plinth/kube";
import { apiVersion as plinthVersion, type RoutePolicySpec } from "@plinth/platform";

/** The parts of https://gateway-api.sigs.k8s.io/reference/spec/ (v1) that the operator writes or reads. */
export interface ParentReference {
  group?: string;
  kind?: string;
  namespace?: string;
  name: string;
  sectionName?: string;
}

export interface ApiCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  observedGeneration?: number;
}

export interface CorsFilter {
  allowOrigins: string[];
  allowMethods?: string[];
  allowHeaders?: string[];
  exposeHeaders?: string[];
  allowCredentials?: boolean;
  maxAge?: number;
}

export interface HttpRouteRule {
  name: string;
  matches: { path: { type: "PathPrefix" | "Exact"; value: string } }[];
  filters?: { type: "CORS"; cors: CorsFilter }[];
  timeouts?: { request: string };
  backendRefs: { name: string; port: number }[];
}

export interface HttpRoute extends KubeObject {
  spec: { parentRefs: ParentReference[]; hostnames?: string[]; rules: HttpRouteRule[] };
  status?: { parents?: { parentRef: ParentReference; controllerName: string; conditions?: ApiCondition[] }[] };
}

export interface Gateway extends KubeObject {
  spec: {
    gatewayClassName: string;
    listeners: { name: string; hostname?: string; port: number; protocol: string }[];
  };
  status?: { addresses?: { type?: string; value: string }[]; conditions?: ApiCondition[] };
}

const apiVersion = "gateway.networking.k8s.io/v1";

export const httpRoutes: Resource<HttpRoute> = {
  apiVersion,
  kind: "HTTPRoute",
  plural: "httproutes",
  namespaced: true,
};
export const gateways: Resource<Gateway> = { apiVersion, kind: "Gateway", plural: "gateways", namespaced: true };

export type RoutePolicy = KubeObject & { spec: RoutePolicySpec };

export const routePolicies: Resource<RoutePolicy> = {
  apiVersion: plinthVersion,
  kind: "RoutePolicy",
  plural: "routepolicies",
  namespaced: true,
};

/** Rules that one HTTPRoute holds at most. */
export const httpRouteRulesMax = 16;
