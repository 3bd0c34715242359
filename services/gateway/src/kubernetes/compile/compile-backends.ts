import type { Backend, BackendProtocol } from "../../data/route.ts";
import { backendName } from "../backend-name.ts";
import type { BackendReference, WeightedBackend } from "../gateway-api.ts";
import type { Service } from "../snapshot.ts";
import type { ClusterView } from "./cluster-view.ts";
import { compileHeaderFilters } from "./compile-headers.ts";
import type { Finding } from "./finding.ts";
import type { RouteKind } from "./listener.ts";

type ServicePort = NonNullable<NonNullable<Service["spec"]>["ports"]>[number];

/** Who refers to a backend. */
export interface Referrer {
  kind: RouteKind;
  namespace: string;
}

/** A service that exists and may be referred to. */
export interface Target {
  /** For the endpoint resolver. */
  service: string;
  protocol: BackendProtocol;
}

/** The backends of a rule; a reference that is wrong keeps its share, which is answered with 500. */
export function compileBackends(
  view: ClusterView,
  from: Referrer,
  references: readonly WeightedBackend[],
  report: (finding: Finding) => void,
): Backend[] {
  return references.map((reference): Backend => {
    const { weight = 1, filters = [] } = reference;
    const target = resolveTarget(view, from, reference);
    if ("reason" in target) {
      report(target);
      return { weight, protocol: "http1" };
    }
    const changes = compileHeaderFilters(filters);
    if ("reason" in changes) {
      report(changes);
      return { weight, protocol: "http1" };
    }
    return { ...target, weight, ...changes };
  });
}

export function resolveTarget(view: ClusterView, from: Referrer, reference: BackendReference): Target | Finding {
  const { group = "", kind = "Service", name, namespace = from.namespace, port } = reference;
  if (group !== "" || kind !== "Service")
    return { reason: "InvalidKind", message: `a backend of kind ${kind} is not supported; Service is` };
  if (!view.mayRefer(from, { kind: "Service", namespace, name }))
    return {
      reason: "RefNotPermitted",
      message: `no ReferenceGrant in ${namespace} lets a ${from.kind} of ${from.namespace} refer to the Service ${name}`,
    };
  const service = view.service(namespace, name);
  if (service === undefined) return notFound(`there is no Service ${namespace}/${name}`);
  if (service.spec?.type === "ExternalName")
    return notFound(`the Service ${namespace}/${name} is a name outside of the cluster, which is not followed`);
  const ports = service.spec?.ports ?? [];
  const found = ports.find((candidate) => candidate.port === port);
  if (port === undefined || found === undefined)
    return notFound(`the Service ${namespace}/${name} has no port ${port ?? "(none is named)"}`);
  const protocol = found.appProtocol ?? "";
  if (protocol === "https" || protocol === "kubernetes.io/wss" || (found.protocol ?? "TCP") !== "TCP")
    return {
      reason: "UnsupportedProtocol",
      message: `port ${port} of the Service ${namespace}/${name} is for ${protocol || found.protocol}, which is not supported`,
    };
  return { service: backendName({ namespace, name, port }), protocol: protocolOf(found, ports) };
}

/**
 * A process that the Service offers under two ports, one of them h2c and one http, speaks both on one port: PlatformServices
 * are like that. It gets plain requests over HTTP/1.1, so that it need not speak HTTP/2 at all where it serves no gRPC.
 */
function protocolOf({ appProtocol, targetPort }: ServicePort, ports: readonly ServicePort[]): BackendProtocol {
  if (appProtocol !== "kubernetes.io/h2c") return "http1";
  const alsoHttp = ports.some((other) => other.appProtocol === "http" && other.targetPort === targetPort);
  return targetPort !== undefined && alsoHttp ? "both" : "h2c";
}

const notFound = (message: string): Finding => ({ reason: "BackendNotFound", message });
