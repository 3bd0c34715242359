import { objectKey } from "@plinth/kube";
import { comparePrecedence } from "../../control/precedence.ts";
import { RouteTable } from "../../data/route-table.ts";
import { controllerName, type Gateway, type GatewayClass } from "../gateway-api.ts";
import type { GatewayApiRelease, Snapshot } from "../snapshot.ts";
import { supportedFeatures } from "../supported-features.ts";
import { ClusterView } from "./cluster-view.ts";
import { compileGateway } from "./compile-gateway.ts";
import { Policies } from "./compile-policies.ts";
import { compileRoutes } from "./compile-routes.ts";
import type { ClassStatus, CompiledCluster, CompiledPort, WantedService } from "./compiled-cluster.ts";
import { condition } from "./condition-update.ts";
import { compileListeners, isServing, type Listener } from "./listener.ts";
import { compareAge } from "./order.ts";
import { policyStatuses } from "./policy-statuses.ts";

/**
 * What the gateway serves and says of a cluster. Pure: the same objects give the same tables, statuses and Services, in
 * whatever order they come. Never throws on what a user wrote.
 */
export function compileCluster(snapshot: Snapshot): CompiledCluster {
  const view = new ClusterView(snapshot);
  const ours = snapshot.gatewayClasses.filter(isOurs);
  const classes = new Map(ours.map((entry) => [entry.metadata.name, classStatus(entry, snapshot.gatewayApi)]));
  const managed = snapshot.gateways.filter(({ spec }) => isAccepted(classes.get(spec.gatewayClassName)));
  const gateways = managed.toSorted(compareAge).map((gateway) => ({
    gateway,
    key: objectKey(gateway.metadata),
    listeners: compileListeners(view, gateway),
  }));
  const listeners = new Map(gateways.map(({ key, listeners: own }) => [key, own]));
  const policies = new Policies(snapshot.routePolicies);
  const routes = compileRoutes(view, policies, listeners);
  const compiled = gateways.map(({ gateway, key, listeners: own }) => ({ key, ...compileGateway(view, gateway, own) }));
  return {
    ports: gateways.flatMap(({ gateway, listeners: own }, i) => (compiled[i]?.wanted ? portsOf(gateway, own) : [])),
    services: compiled.flatMap(({ wanted }): WantedService[] => (wanted ? [wanted] : [])),
    statuses: {
      gatewayClasses: classes,
      gateways: new Map(compiled.map(({ key, status }) => [key, status])),
      ...routes,
      routePolicies: policyStatuses(snapshot, policies, new Set(listeners.keys())),
    },
  };
}

const isOurs = ({ spec }: GatewayClass): boolean => spec.controllerName === controllerName;

const isAccepted = (status: ClassStatus | undefined): boolean => status?.conditions[0]?.status === "True";

function classStatus({ metadata, spec }: GatewayClass, release: GatewayApiRelease | undefined): ClassStatus {
  const { generation } = metadata;
  const accepted = spec.parametersRef
    ? condition("Accepted", "False", "InvalidParameters", "parametersRef is not supported", generation)
    : condition("Accepted", "True", "Accepted", "Plinth serves Gateways of this class", generation);
  const version = release?.version ?? "unknown";
  const message = `the installed CRDs are of release ${version}, channel ${release?.channel ?? "unknown"}`;
  const supported = version.startsWith("v1.")
    ? condition("SupportedVersion", "True", "SupportedVersion", message, generation)
    : condition("SupportedVersion", "False", "UnsupportedVersion", message, generation);
  return {
    conditions: release ? [accepted, supported] : [accepted],
    supportedFeatures: supportedFeatures(release?.channel),
  };
}

function portsOf(gateway: Gateway, listeners: readonly Listener[]): CompiledPort[] {
  const serving = listeners.filter(isServing);
  const numbers = [...new Set(serving.map(({ spec }) => spec.port))].sort((a, b) => a - b);
  return numbers.map((port): CompiledPort => {
    const own = serving.filter(({ spec }) => spec.port === port);
    const table = new RouteTable(
      own.map(({ hostname, routes }) => ({
        hostname,
        routes: routes.toSorted((a, b) => comparePrecedence(a.rank, b.rank)).map(({ route }) => route),
      })),
    );
    const certificates = own.map(({ hostname, certificates: shown }) => ({ hostname, certificates: shown }));
    const isSecure = own[0]?.spec.protocol === "HTTPS";
    return { gateway: objectKey(gateway.metadata), port, table, ...(isSecure ? { certificates } : {}) };
  });
}
