/** What the gateway does everywhere; the chart's ClusterRole. */
export const clusterRules: readonly object[] = [
  {
    apiGroups: ["gateway.networking.k8s.io"],
    resources: ["gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants"],
    verbs: ["get", "list", "watch"],
  },
  { apiGroups: ["plinth.dev"], resources: ["routepolicies"], verbs: ["get", "list", "watch"] },
];

/** What it does in its own namespace; the chart's Role. */
export const namespaceRules: readonly object[] = [];
