import { findCondition, isTrue, type resources } from "@plinth/kube";

type Deployment = NonNullable<typeof resources.deployments.object>;

/** What a Deployment says of its instances. */
export interface Rollout {
  desired: number;
  ready: number;
  updated: number;
  available: number;
  /** Enough instances, of whatever version, answer. */
  serving: boolean;
  /** All instances are of the current template, answer, and no old one is left. */
  complete: boolean;
  /** The Deployment gave up on the new instances. */
  failed: string | undefined;
}

export function rolloutOf({ metadata, spec, status }: Deployment): Rollout {
  const desired = spec?.replicas ?? 1;
  const ready = status?.readyReplicas ?? 0;
  const updated = status?.updatedReplicas ?? 0;
  const available = status?.availableReplicas ?? 0;
  const seen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  const progressing = findCondition(status?.conditions, "Progressing");
  return {
    desired,
    ready,
    updated,
    available,
    serving: isTrue(status?.conditions, "Available") || (seen && desired === 0),
    complete: seen && updated >= desired && available >= desired && (status?.replicas ?? 0) === updated,
    failed:
      progressing?.reason === "ProgressDeadlineExceeded" ? (progressing.message ?? "too slow to get ready") : undefined,
  };
}
