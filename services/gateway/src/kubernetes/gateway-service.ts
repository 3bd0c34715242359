import { childName, type Draft } from "@plinth/kube";
import type { Gateway } from "./gateway-api.ts";
import type { Service } from "./snapshot.ts";

/** On the Service through which a Gateway is reached: a name for selecting, and exactly which Gateway it is. */
export const gatewayLabel = "plinth.dev/gateway";
/** By which tools find what was made for a Gateway (GEP-1762). */
const gatewayNameLabel = "gateway.networking.k8s.io/gateway-name";
/** As the operator labels the pods of the service `gateway`. */
const podSelector = { "plinth.dev/service": "gateway", "plinth.dev/component": "server" };

export type ServiceType = "LoadBalancer" | "ClusterIP" | "NodePort";

export const serviceNameOf = (gateway: { namespace: string; name: string }): string =>
  childName(["gateway", gateway.namespace, gateway.name]);

/** "namespace/name" of the Gateway that is reached through this Service; undefined for any other Service. */
export function gatewayKeyOf({ metadata }: Service): string | undefined {
  return metadata.labels?.[gatewayLabel] === undefined ? undefined : metadata.annotations?.[gatewayLabel];
}

/** The port of the pods that each port of the Service leads to. */
export function targetPortsOf(service: Service): ReadonlyMap<number, number> {
  const ports = service.spec?.ports ?? [];
  return new Map(ports.flatMap(({ port, targetPort }) => (typeof targetPort === "number" ? [[port, targetPort]] : [])));
}

export interface GatewayServiceInputs {
  gateway: Gateway;
  platformNamespace: string;
  type: ServiceType;
  /** Ports of the listeners, and the ports of the pods that they lead to. */
  ports: ReadonlyMap<number, number>;
  /** The one address that the Gateway asks for; absent: any. */
  address: string | undefined;
}

/** What is applied for a Gateway, in the namespace of the pods because a Service selects no others. */
export function gatewayService({
  gateway,
  platformNamespace,
  type,
  ports,
  address,
}: GatewayServiceInputs): Draft<Service> {
  const { name, namespace = "" } = gateway.metadata;
  const { labels = {}, annotations = {} } = gateway.spec.infrastructure ?? {};
  const serviceName = serviceNameOf({ namespace, name });
  return {
    metadata: {
      name: serviceName,
      namespace: platformNamespace,
      labels: {
        ...labels,
        [gatewayLabel]: serviceName,
        [gatewayNameLabel]: name.slice(0, 63).replace(/[^a-z0-9]+$/, ""),
        "app.kubernetes.io/part-of": "plinth",
        "app.kubernetes.io/managed-by": "plinth-gateway",
      },
      annotations: { ...annotations, [gatewayLabel]: `${namespace}/${name}` },
    },
    spec: {
      type,
      selector: podSelector,
      ...(address === undefined ? {} : type === "LoadBalancer" ? { loadBalancerIP: address } : { clusterIP: address }),
      ports: [...ports].map(([port, targetPort]) => ({ name: `port-${port}`, port, targetPort, protocol: "TCP" })),
    },
  };
}
