import type { Condition, KubeObject, Resource } from "@plinth/kube";

/** The parts of https://gateway-api.sigs.k8s.io/reference/spec/ (v1) that the gateway reads and writes. */
export interface GatewayClass extends KubeObject {
  spec: { controllerName: string; parametersRef?: { group: string; kind: string; name: string } };
  status?: { conditions?: Condition[]; supportedFeatures?: { name: string }[] };
}

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: "In" | "NotIn" | "Exists" | "DoesNotExist"; values?: string[] }[];
}

export interface SecretReference {
  group?: string;
  kind?: string;
  name: string;
  namespace?: string;
}

export interface GatewayListener {
  name: string;
  hostname?: string;
  port: number;
  protocol: string;
  tls?: { mode?: "Terminate" | "Passthrough"; certificateRefs?: SecretReference[] };
  allowedRoutes?: {
    namespaces?: { from?: "All" | "Same" | "Selector" | "None"; selector?: LabelSelector };
    kinds?: { group?: string; kind: string }[];
  };
}

export interface GatewayAddress {
  type?: string;
  value?: string;
}

export interface ListenerStatus {
  name: string;
  supportedKinds: { group: string; kind: string }[];
  attachedRoutes: number;
  conditions: Condition[];
}

export interface Gateway extends KubeObject {
  spec: {
    gatewayClassName: string;
    listeners: GatewayListener[];
    addresses?: GatewayAddress[];
    infrastructure?: {
      labels?: Record<string, string>;
      annotations?: Record<string, string>;
      parametersRef?: { group: string; kind: string; name: string };
    };
  };
  status?: { addresses?: GatewayAddress[]; conditions?: Condition[]; listeners?: ListenerStatus[] };
}

export interface ParentReference {
  group?: string;
  kind?: string;
  namespace?: string;
  name: string;
  sectionName?: string;
  port?: number;
}

export interface ParentStatus {
  parentRef: ParentReference;
  controllerName: string;
  conditions?: Condition[];
}

export interface BackendReference {
  group?: string;
  kind?: string;
  name: string;
  namespace?: string;
  port?: number;
}

interface HeaderModifier {
  set?: { name: string; value: string }[];
  add?: { name: string; value: string }[];
  remove?: string[];
}

export type PathModifier =
  | { type: "ReplaceFullPath"; replaceFullPath: string }
  | { type: "ReplacePrefixMatch"; replacePrefixMatch: string };

/** Every kind of filter in one shape: `type` says which field counts. */
export interface RouteFilter {
  type: string;
  requestHeaderModifier?: HeaderModifier;
  responseHeaderModifier?: HeaderModifier;
  requestMirror?: {
    backendRef: BackendReference;
    percent?: number;
    fraction?: { numerator: number; denominator?: number };
  };
  requestRedirect?: { scheme?: string; hostname?: string; path?: PathModifier; port?: number; statusCode?: number };
  urlRewrite?: { hostname?: string; path?: PathModifier };
  cors?: {
    allowOrigins?: string[];
    allowMethods?: string[];
    allowHeaders?: string[];
    exposeHeaders?: string[];
    allowCredentials?: boolean;
    maxAge?: number;
  };
}

export interface WeightedBackend extends BackendReference {
  weight?: number;
  filters?: RouteFilter[];
}

export interface HttpRouteMatch {
  path?: { type?: string; value?: string };
  method?: string;
  headers?: { type?: string; name: string; value: string }[];
  queryParams?: { type?: string; name: string; value: string }[];
}

export interface HttpRouteRule {
  name?: string;
  matches?: HttpRouteMatch[];
  filters?: RouteFilter[];
  backendRefs?: WeightedBackend[];
  timeouts?: { request?: string; backendRequest?: string };
  retry?: { codes?: number[]; attempts?: number; backoff?: string };
}

export interface GrpcRouteMatch {
  method?: { type?: string; service?: string; method?: string };
  headers?: { type?: string; name: string; value: string }[];
}

export interface GrpcRouteRule {
  name?: string;
  matches?: GrpcRouteMatch[];
  filters?: RouteFilter[];
  backendRefs?: WeightedBackend[];
}

interface RouteSpec<Rule> {
  parentRefs?: ParentReference[];
  hostnames?: string[];
  rules?: Rule[];
}

export interface HttpRoute extends KubeObject {
  spec: RouteSpec<HttpRouteRule>;
  status?: { parents?: ParentStatus[] };
}

export interface GrpcRoute extends KubeObject {
  spec: RouteSpec<GrpcRouteRule>;
  status?: { parents?: ParentStatus[] };
}

export interface ReferenceGrant extends KubeObject {
  spec: {
    from: { group: string; kind: string; namespace: string }[];
    to: { group: string; kind: string; name?: string }[];
  };
}

export const gatewayApiGroup = "gateway.networking.k8s.io";
/** Who we are: in GatewayClasses, and in every entry of a status that is ours. */
export const controllerName = "plinth.dev/gateway";

const apiVersion = `${gatewayApiGroup}/v1`;

export const gatewayClasses: Resource<GatewayClass> = {
  apiVersion,
  kind: "GatewayClass",
  plural: "gatewayclasses",
  namespaced: false,
};
export const gateways: Resource<Gateway> = { apiVersion, kind: "Gateway", plural: "gateways", namespaced: true };
export const httpRoutes: Resource<HttpRoute> = {
  apiVersion,
  kind: "HTTPRoute",
  plural: "httproutes",
  namespaced: true,
};
export const grpcRoutes: Resource<GrpcRoute> = {
  apiVersion,
  kind: "GRPCRoute",
  plural: "grpcroutes",
  namespaced: true,
};
/** v1beta1: the version that every release since 2022 serves. */
export const referenceGrants: Resource<ReferenceGrant> = {
  apiVersion: `${gatewayApiGroup}/v1beta1`,
  kind: "ReferenceGrant",
  plural: "referencegrants",
  namespaced: true,
};
