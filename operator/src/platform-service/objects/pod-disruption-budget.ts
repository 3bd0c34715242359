import { resources } from "@plinth/kube";
import { type Child, child } from "../child.ts";
import { serverSelector } from "../labels.ts";
import type { ServiceObject } from "../resources.ts";

/** One instance at a time may be away unless the spec says otherwise; one that is broken anyway never blocks a drain. */
export function podDisruptionBudget(service: ServiceObject): Child {
  const { name } = service.metadata;
  const { minAvailable, maxUnavailable } = service.spec.disruption ?? { maxUnavailable: 1 };
  return child(resources.podDisruptionBudgets, service, {
    metadata: { name },
    spec: {
      selector: { matchLabels: serverSelector(name) },
      ...(minAvailable === undefined ? { maxUnavailable: maxUnavailable ?? 1 } : { minAvailable }),
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    },
  });
}
