import type { ConditionUpdate } from "@plinth/kube";
import type { Precedence } from "../../control/precedence.ts";
import type { Route } from "../../data/route.ts";
import { type Gateway, type GatewayListener, gatewayApiGroup } from "../gateway-api.ts";
import type { ClusterView } from "./cluster-view.ts";
import { type Certificate, compileCertificates } from "./compile-certificates.ts";
import { condition } from "./condition-update.ts";
import type { Finding } from "./finding.ts";

export type RouteKind = "HTTPRoute" | "GRPCRoute";
const routeKinds: readonly RouteKind[] = ["HTTPRoute", "GRPCRoute"];

/** A listener of a Gateway while its cluster is compiled. */
export interface Listener {
  readonly gateway: Gateway;
  readonly spec: GatewayListener;
  /** In lower case; "" for any host. */
  readonly hostname: string;
  readonly kinds: readonly RouteKind[];
  readonly certificates: readonly Certificate[];
  /** Why it serves nothing at all. */
  refused: (Finding & { conflicted: boolean }) | undefined;
  /** What it refers to in vain. */
  readonly unresolved: Finding | undefined;
  /** Routes that are attached, as "Kind namespace/name", with the host names that they have here. */
  readonly attached: Map<string, { kind: RouteKind; hostnames: readonly string[] }>;
  readonly routes: { route: Route; rank: Precedence }[];
}

/** Whether it can serve requests. */
export const isServing = (listener: Listener): boolean =>
  listener.refused === undefined &&
  listener.kinds.length > 0 &&
  (listener.spec.protocol === "HTTP" || listener.certificates.length > 0);

export function compileListeners(view: ClusterView, gateway: Gateway): Listener[] {
  const listeners = gateway.spec.listeners.map((spec): Listener => {
    const isKnown = isKnownProtocol(spec.protocol);
    const { kinds, invalid } = isKnown ? kindsOf(spec) : { kinds: [], invalid: undefined };
    const { certificates, problem } =
      spec.protocol === "HTTPS" ? compileCertificates(view, gateway, spec) : { certificates: [], problem: undefined };
    return {
      gateway,
      spec,
      hostname: spec.hostname?.toLowerCase() ?? "",
      kinds,
      certificates,
      refused: isKnown
        ? undefined
        : {
            conflicted: false,
            reason: "UnsupportedProtocol",
            message: `the protocol ${spec.protocol} is not supported; HTTP and HTTPS are`,
          },
      unresolved: problem ?? invalid,
      attached: new Map(),
      routes: [],
    };
  });
  for (const listener of listeners) listener.refused ??= conflictOf(listener, listeners);
  return listeners;
}

const isKnownProtocol = (protocol: string): boolean => protocol === "HTTP" || protocol === "HTTPS";

function kindsOf({ allowedRoutes }: GatewayListener): { kinds: RouteKind[]; invalid: Finding | undefined } {
  const wanted = allowedRoutes?.kinds;
  if (wanted === undefined || wanted.length === 0) return { kinds: [...routeKinds], invalid: undefined };
  const isSupported = ({ group = gatewayApiGroup, kind }: { group?: string; kind: string }): boolean =>
    group === gatewayApiGroup && (routeKinds as readonly string[]).includes(kind);
  const unknown = wanted.find((entry) => !isSupported(entry));
  return {
    kinds: routeKinds.filter((kind) => wanted.some((entry) => isSupported(entry) && entry.kind === kind)),
    invalid: unknown && {
      reason: "InvalidRouteKinds",
      message: `routes of kind ${unknown.kind} are not supported; HTTPRoute and GRPCRoute are`,
    },
  };
}

/** Listeners of one port speak one protocol, and no two of them have the same host name. All of a conflict are refused. */
function conflictOf(listener: Listener, all: readonly Listener[]): Listener["refused"] {
  const peers = all.filter(
    (other) => other !== listener && other.spec.port === listener.spec.port && isKnownProtocol(other.spec.protocol),
  );
  const otherProtocol = peers.find(({ spec }) => spec.protocol !== listener.spec.protocol);
  if (otherProtocol)
    return {
      conflicted: true,
      reason: "ProtocolConflict",
      message: `the listener ${otherProtocol.spec.name} has the same port with the protocol ${otherProtocol.spec.protocol}`,
    };
  const sameHost = peers.find(({ hostname }) => hostname === listener.hostname);
  return (
    sameHost && {
      conflicted: true,
      reason: "HostnameConflict",
      message: `the listener ${sameHost.spec.name} has the same port and host name`,
    }
  );
}

/** Conditions of a listener. `open`: why its port is not open yet; undefined when it is. */
export function listenerConditions(listener: Listener, open: Finding | undefined): ConditionUpdate[] {
  const { refused, unresolved } = listener;
  const { generation } = listener.gateway.metadata;
  const set = (type: string, status: "True" | "False", reason: string, message: string): ConditionUpdate =>
    condition(type, status, reason, message, generation);
  const isOpen = isServing(listener) && open === undefined;
  const why = refused ?? (isServing(listener) ? open : unresolved);
  return [
    refused
      ? set("Accepted", "False", refused.reason, refused.message)
      : set("Accepted", "True", "Accepted", "the listener is valid"),
    refused?.conflicted
      ? set("Conflicted", "True", refused.reason, refused.message)
      : set("Conflicted", "False", "NoConflicts", ""),
    unresolved
      ? set("ResolvedRefs", "False", unresolved.reason, unresolved.message)
      : set("ResolvedRefs", "True", "ResolvedRefs", "everything that the listener refers to is there"),
    isOpen
      ? set("Programmed", "True", "Programmed", "the listener serves")
      : set("Programmed", "False", isServing(listener) ? (open?.reason ?? "Pending") : "Invalid", why?.message ?? ""),
  ];
}
