import { resources } from "@plinth/kube";
import { type Child, child } from "../child.ts";
import { labels, serverSelector } from "../labels.ts";
import type { ServiceObject } from "../resources.ts";
import type { PlatformSettings } from "../settings.ts";
import { containerPorts } from "./service.ts";

const namespaceName = "kubernetes.io/metadata.name";

const inNamespaces = (names: readonly string[]) => ({
  namespaceSelector: { matchExpressions: [{ key: namespaceName, operator: "In", values: [...names].sort() }] },
});

/**
 * Lets in pods of PlatformServices (the gateway is one), the namespace of the Gateway (for gateways of others), and what
 * the spec lists; to the admin port only the namespaces that scrape metrics. Undefined for mode Open.
 */
export function networkPolicy(service: ServiceObject, settings: PlatformSettings): Child | undefined {
  const { mode, allowFromNamespaces = [] } = service.spec.networkPolicy ?? { mode: "Restricted" };
  if (mode === "Open") return undefined;
  const { name } = service.metadata;
  const namespaces = [...new Set([settings.gateway.namespace, ...allowFromNamespaces])];
  const callers = [
    { namespaceSelector: {}, podSelector: { matchExpressions: [{ key: labels.service, operator: "Exists" }] } },
    inNamespaces(namespaces),
  ];
  const scrapers = settings.metricsNamespaces.length === 0 ? [] : [inNamespaces(settings.metricsNamespaces)];
  return child(resources.networkPolicies, service, {
    metadata: { name },
    spec: {
      podSelector: { matchLabels: serverSelector(name) },
      policyTypes: ["Ingress"],
      ingress: [
        { from: callers, ports: [{ port: containerPorts.service, protocol: "TCP" }] },
        ...(scrapers.length === 0
          ? []
          : [{ from: scrapers, ports: [{ port: containerPorts.admin, protocol: "TCP" }] }]),
      ],
    },
  });
}
