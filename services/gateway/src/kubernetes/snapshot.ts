import type { resources } from "@plinth/kube";
import type { Gateway, GatewayClass, GrpcRoute, HttpRoute, ReferenceGrant } from "./gateway-api.ts";
import type { RoutePolicy } from "./route-policies.ts";

export type Service = NonNullable<typeof resources.services.object>;
export type Secret = NonNullable<typeof resources.secrets.object>;
export type Namespace = NonNullable<typeof resources.namespaces.object>;

export interface GatewayApiRelease {
  /** For example v1.6.3. */
  version: string | undefined;
  channel: string | undefined;
}

/** Everything of the cluster that decides what is served. In each list names are unique; order does not matter. */
export interface Snapshot {
  /** Where the gateway's own pods and the platform's services are. */
  platformNamespace: string;
  gatewayClasses: readonly GatewayClass[];
  gateways: readonly Gateway[];
  httpRoutes: readonly HttpRoute[];
  grpcRoutes: readonly GrpcRoute[];
  referenceGrants: readonly ReferenceGrant[];
  routePolicies: readonly RoutePolicy[];
  /** All of them: backends, and those through which the Gateways are reached. */
  services: readonly Service[];
  /** Of type kubernetes.io/tls. */
  secrets: readonly Secret[];
  namespaces: readonly Namespace[];
  /** Release of the installed CRDs; undefined while it is not known. */
  gatewayApi: GatewayApiRelease | undefined;
  /** What became of the ports that this process opened, by port: undefined for one that is open, else why it is not. */
  openPorts: ReadonlyMap<number, string | undefined>;
}

export const emptySnapshot: Snapshot = {
  platformNamespace: "plinth",
  gatewayClasses: [],
  gateways: [],
  httpRoutes: [],
  grpcRoutes: [],
  referenceGrants: [],
  routePolicies: [],
  services: [],
  secrets: [],
  namespaces: [],
  gatewayApi: undefined,
  openPorts: new Map(),
};
