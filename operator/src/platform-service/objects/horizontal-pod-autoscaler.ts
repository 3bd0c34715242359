import { resources } from "@plinth/kube";
import { type Child, child } from "../child.ts";
import type { ServiceObject } from "../resources.ts";

/** Undefined for a service with a fixed number of instances. */
export function horizontalPodAutoscaler(service: ServiceObject): Child | undefined {
  const { autoscaling } = service.spec;
  const { name } = service.metadata;
  if (!autoscaling) return undefined;
  return child(resources.horizontalPodAutoscalers, service, {
    metadata: { name },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      minReplicas: autoscaling.min,
      maxReplicas: autoscaling.max,
      metrics: [
        {
          type: "Resource",
          resource: {
            name: "cpu",
            target: { type: "Utilization", averageUtilization: autoscaling.targetCPUPercent },
          },
        },
      ],
    },
  });
}
