import type {
  EventsV1Event,
  V1ConfigMap,
  V1CustomResourceDefinition,
  V1Deployment,
  V1EndpointSlice,
  V1Job,
  V1Lease,
  V1Namespace,
  V1NetworkPolicy,
  V1Pod,
  V1PodDisruptionBudget,
  V1Role,
  V1RoleBinding,
  V1Secret,
  V1Service,
  V1ServiceAccount,
  V2HorizontalPodAutoscaler,
} from "@kubernetes/client-node";
import type { KubeObject, ObjectOf, Resource } from "./resource.ts";

function resource<T extends KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  scope: "namespaced" | "cluster" = "namespaced",
): Resource<T> {
  return { apiVersion, kind, plural, namespaced: scope === "namespaced" };
}

/** The built-in kinds that Plinth reads or writes. */
export const resources = {
  namespaces: resource<ObjectOf<V1Namespace>>("v1", "Namespace", "namespaces", "cluster"),
  configMaps: resource<ObjectOf<V1ConfigMap>>("v1", "ConfigMap", "configmaps"),
  secrets: resource<ObjectOf<V1Secret>>("v1", "Secret", "secrets"),
  services: resource<ObjectOf<V1Service>>("v1", "Service", "services"),
  serviceAccounts: resource<ObjectOf<V1ServiceAccount>>("v1", "ServiceAccount", "serviceaccounts"),
  pods: resource<ObjectOf<V1Pod>>("v1", "Pod", "pods"),
  deployments: resource<ObjectOf<V1Deployment>>("apps/v1", "Deployment", "deployments"),
  jobs: resource<ObjectOf<V1Job>>("batch/v1", "Job", "jobs"),
  horizontalPodAutoscalers: resource<ObjectOf<V2HorizontalPodAutoscaler>>(
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
  ),
  podDisruptionBudgets: resource<ObjectOf<V1PodDisruptionBudget>>(
    "policy/v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
  ),
  networkPolicies: resource<ObjectOf<V1NetworkPolicy>>("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
  endpointSlices: resource<ObjectOf<V1EndpointSlice>>("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
  roles: resource<ObjectOf<V1Role>>("rbac.authorization.k8s.io/v1", "Role", "roles"),
  roleBindings: resource<ObjectOf<V1RoleBinding>>("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"),
  leases: resource<ObjectOf<V1Lease>>("coordination.k8s.io/v1", "Lease", "leases"),
  events: resource<ObjectOf<EventsV1Event>>("events.k8s.io/v1", "Event", "events"),
  customResourceDefinitions: resource<ObjectOf<V1CustomResourceDefinition>>(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    "cluster",
  ),
} as const;
