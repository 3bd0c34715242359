import { findCondition, type resources } from "@plinth/kube";
import type { PodNote } from "./observed.ts";

type Pod = NonNullable<typeof resources.pods.object>;
type ContainerStatus = NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number];

/** Every pod goes through these. */
const usual = new Set(["ContainerCreating", "PodInitializing"]);

/** What pods say of themselves, the oldest first. */
export const podNotes = (pods: readonly Pod[]): PodNote[] =>
  [...pods]
    .sort((a, b) => ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? -1 : 1))
    .map((pod) => ({ pod: pod.metadata.name, waiting: waitingOf(pod), ended: endedOf(statuses(pod)) }));

const statuses = ({ status }: Pod): ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
];

function waitingOf(pod: Pod): PodNote["waiting"] {
  const scheduled = findCondition(pod.status?.conditions, "PodScheduled");
  if (scheduled?.status === "False") return noted(scheduled.reason ?? "Unschedulable", scheduled.message);
  for (const { state } of statuses(pod)) {
    const reason = state?.waiting?.reason;
    if (reason && !usual.has(reason)) return noted(reason, state?.waiting?.message);
  }
  return undefined;
}

const noted = (reason: string, message: string | undefined) => ({ reason, message: message ?? "" });

/** The container that failed, else the last one that ended. */
function endedOf(containers: readonly ContainerStatus[]): PodNote["ended"] {
  const ends = containers.flatMap(({ state, lastState }) => state?.terminated ?? lastState?.terminated ?? []);
  const end = ends.find(({ exitCode }) => exitCode !== 0) ?? ends.at(-1);
  return end && { exitCode: end.exitCode, message: end.message ?? end.reason ?? "" };
}
