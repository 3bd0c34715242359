import { resources } from "@plinth/kube";
import { type Child, child } from "../child.ts";
import { serverSelector } from "../labels.ts";
import type { ServiceObject } from "../resources.ts";

/**
 * One instance at a time may be away unless the spec says otherwise; one that is broken anyway never blocks a drain.
 * Undefined for a single instance of which the spec says nothing: there is nothing that a budget could keep.
 */
export function podDisruptionBudget(service: ServiceObject): Child | undefined {
  const { name } = service.metadata;
  const { disruption, autoscaling, replicas = 1 } = service.spec;
  if (!disruption && (autoscaling?.max ?? replicas) < 2) return undefined;
  const { minAvailable, maxUnavailable } = disruption ?? { maxUnavailable: 1 };
  return child(resources.podDisruptionBudgets, service, {
    metadata: { name },
    spec: {
      selector: { matchLabels: serverSelector(name) },
      ...(minAvailable === undefined ? { maxUnavailable: maxUnavailable ?? 1 } : { minAvailable }),
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    },
  });
}
