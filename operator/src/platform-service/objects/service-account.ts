import { resources } from "@plinth/kube";
import { type Child, child } from "../child.ts";
import type { ServiceObject } from "../resources.ts";

/** The identity of the service's pods; its name is the service's name in workload tokens. */
export function serviceAccount(service: ServiceObject): Child {
  return child(resources.serviceAccounts, service, {
    metadata: { name: service.metadata.name },
    // Pods say themselves what they mount.
    automountServiceAccountToken: false,
  });
}
