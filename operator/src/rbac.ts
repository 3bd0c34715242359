/** A rule of https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/cluster-role-v1/ */
export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
  nonResourceURLs?: never;
}

export interface NonResourceRule {
  nonResourceURLs: string[];
  verbs: string[];
}

/** Seen, kept as stated, and taken away. `patch` is server-side apply, which creates as well. */
const owned = ["get", "list", "watch", "create", "patch", "delete"];
/** Every service has one as long as it exists; the garbage collector takes it away. */
const kept = ["get", "list", "watch", "create", "patch"];

/** What the operator does everywhere; the chart's ClusterRole. Nothing here reads or changes what is not Plinth's kind of object. */
export const clusterRules: readonly (PolicyRule | NonResourceRule)[] = [
  { apiGroups: ["plinth.dev"], resources: ["platformservices"], verbs: ["get", "list", "watch", "patch"] },
  { apiGroups: ["plinth.dev"], resources: ["platformservices/status"], verbs: ["patch"] },
  // To own children where the API server checks who may block a deletion.
  { apiGroups: ["plinth.dev"], resources: ["platformservices/finalizers"], verbs: ["update"] },
  { apiGroups: ["plinth.dev"], resources: ["routepolicies"], verbs: owned },
  { apiGroups: [""], resources: ["serviceaccounts", "secrets"], verbs: owned },
  { apiGroups: [""], resources: ["configmaps", "services"], verbs: kept },
  { apiGroups: ["apps"], resources: ["deployments"], verbs: owned },
  { apiGroups: ["batch"], resources: ["jobs"], verbs: ["get", "list", "watch", "create", "delete"] },
  { apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"], verbs: owned },
  { apiGroups: ["policy"], resources: ["poddisruptionbudgets"], verbs: owned },
  { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: owned },
  { apiGroups: ["gateway.networking.k8s.io"], resources: ["httproutes"], verbs: owned },
  { apiGroups: ["gateway.networking.k8s.io"], resources: ["gateways"], verbs: ["list", "watch"] },
  // Why a pod does not start.
  { apiGroups: [""], resources: ["pods"], verbs: ["list", "watch"] },
  { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create", "patch"] },
  { nonResourceURLs: ["/.well-known/openid-configuration", "/openid/v1/jwks"], verbs: ["get"] },
];

/** What it does in its own namespace; the chart's Role. */
export const namespaceRules: readonly PolicyRule[] = [
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    resourceNames: ["plinth-operator"],
    verbs: ["get", "update"],
  },
];

/** What pods of services may do, bound to all ServiceAccounts: find each other. */
export const discoveryRules: readonly PolicyRule[] = [
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] },
];
