import { resources } from "@plinth/kube";
import { type Child, child } from "../child.ts";
import { serverSelector } from "../labels.ts";
import type { ServiceObject } from "../resources.ts";

/** Name of the container's port; Service and policies refer to it, so that spec.port may change during a rollout. */
export const containerPorts = { service: "service", admin: "admin" } as const;

/** Ports of the Service, the same for every service whatever it listens on. */
export const servicePorts = { grpc: 8080, http: 80 } as const;

/** One process port under two names: gateways learn from appProtocol that they may speak HTTP/2 without TLS. */
export function serviceOf(service: ServiceObject): Child {
  const { name } = service.metadata;
  const targetPort = containerPorts.service;
  return child(resources.services, service, {
    metadata: { name },
    spec: {
      type: "ClusterIP",
      selector: serverSelector(name),
      ports: [
        { name: "grpc", port: servicePorts.grpc, targetPort, protocol: "TCP", appProtocol: "kubernetes.io/h2c" },
        { name: "http", port: servicePorts.http, targetPort, protocol: "TCP", appProtocol: "http" },
      ],
    },
  });
}
