/** A rule of https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/cluster-role-v1/ */
export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

const seen = ["list", "watch"];

/** What the gateway does everywhere; the chart's ClusterRole for the ServiceAccount `gateway`. It writes statuses only. */
export const clusterRules: readonly PolicyRule[] = [
  {
    apiGroups: ["gateway.networking.k8s.io"],
    resources: ["gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants"],
    verbs: seen,
  },
  {
    apiGroups: ["gateway.networking.k8s.io"],
    resources: ["gatewayclasses/status", "gateways/status", "httproutes/status", "grpcroutes/status"],
    verbs: ["patch"],
  },
  // Which release of the Gateway API is installed.
  {
    apiGroups: ["apiextensions.k8s.io"],
    resources: ["customresourcedefinitions"],
    resourceNames: ["httproutes.gateway.networking.k8s.io"],
    verbs: seen,
  },
  { apiGroups: ["plinth.dev"], resources: ["routepolicies"], verbs: seen },
  { apiGroups: ["plinth.dev"], resources: ["routepolicies/status"], verbs: ["patch"] },
  { apiGroups: [""], resources: ["services", "namespaces"], verbs: seen },
  // Certificates of listeners, which may be in any namespace; it asks for those of type kubernetes.io/tls only.
  { apiGroups: [""], resources: ["secrets"], verbs: seen },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: seen },
];

/** What it does in its own namespace; the chart's Role. */
export const namespaceRules: readonly PolicyRule[] = [
  // The Services through which Gateways are reached. `patch` is server-side apply, which creates as well.
  { apiGroups: [""], resources: ["services"], verbs: ["create", "patch", "delete"] },
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    resourceNames: ["plinth-gateway"],
    verbs: ["get", "update"],
  },
];
