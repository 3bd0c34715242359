import type { ConditionUpdate } from "@plinth/kube";
import type { RouteTable } from "../../data/route-table.ts";
import type { Gateway, GatewayAddress, ListenerStatus, ParentReference } from "../gateway-api.ts";
import type { AncestorReference } from "../route-policies.ts";
import type { Certificate } from "./compile-certificates.ts";

/** A port of a Gateway, with what is served there. */
export interface CompiledPort {
  /** "namespace/name" */
  gateway: string;
  port: number;
  table: RouteTable;
  /** By host name of the listeners; absent for a port without TLS. */
  certificates?: readonly { hostname: string; certificates: readonly Certificate[] }[];
}

/** A Gateway that wants to be reachable. */
export interface WantedService {
  gateway: Gateway;
  /** Of its listeners, ascending. */
  ports: readonly number[];
  /** The one that it asks for. */
  address: string | undefined;
}

export interface ClassStatus {
  conditions: readonly ConditionUpdate[];
  supportedFeatures: readonly string[];
}

export interface GatewayStatus {
  conditions: readonly ConditionUpdate[];
  addresses: readonly GatewayAddress[];
  listeners: readonly (Omit<ListenerStatus, "conditions"> & { conditions: readonly ConditionUpdate[] })[];
}

export interface ParentVerdict {
  parentRef: ParentReference;
  conditions: readonly ConditionUpdate[];
}

export interface AncestorVerdict {
  ancestorRef: AncestorReference;
  conditions: readonly ConditionUpdate[];
}

/** Everything that follows from a snapshot. Keys are "namespace/name", or "name" for classes. */
export interface CompiledCluster {
  ports: readonly CompiledPort[];
  services: readonly WantedService[];
  statuses: {
    gatewayClasses: ReadonlyMap<string, ClassStatus>;
    gateways: ReadonlyMap<string, GatewayStatus>;
    /** All routes: those that have nothing to do with us have an empty list. */
    httpRoutes: ReadonlyMap<string, readonly ParentVerdict[]>;
    grpcRoutes: ReadonlyMap<string, readonly ParentVerdict[]>;
    routePolicies: ReadonlyMap<string, readonly AncestorVerdict[]>;
  };
}
