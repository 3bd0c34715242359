/** By these Helm knows what belongs to the chart's release, which may therefore upgrade the CRDs (docs/adr/0015). */
export const releaseMarks = {
  labels: { "app.kubernetes.io/managed-by": "Helm" },
  annotations: {
    "meta.helm.sh/release-name": "plinth",
    "meta.helm.sh/release-namespace": "plinth",
    // Deleting a CRD deletes every object of its kind: they stay when the release goes.
    "helm.sh/resource-policy": "keep",
  },
};
