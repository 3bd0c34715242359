import { type Condition, findCondition, setCondition } from "./conditions.ts";

/** What the object as a whole is doing; see kstatus of kubernetes-sigs/cli-utils. */
export interface Kstatus {
  /** Whether it serves what was asked for. Unknown while nobody can tell. */
  ready: { status: Condition["status"]; reason: string; message: string };
  /** Set while the controller works towards the spec. */
  reconciling?: { reason: string; message: string };
  /** Set when it does not get further without help. */
  stalled?: { reason: string; message: string };
}

/**
 * The conditions with Ready, Reconciling and Stalled set. Reconciling and Stalled are always there, False when nothing is
 * wrong, so that they can be waited for; returns the same array when nothing changes.
 */
export function setKstatus(
  conditions: readonly Condition[] | undefined,
  state: Kstatus,
  observedGeneration: number,
  nowMs: number,
): readonly Condition[] {
  const { ready, reconciling, stalled } = state;
  const calm = { reason: ready.reason, message: "" };
  let next = setCondition(conditions, { type: "Ready", ...ready, observedGeneration }, nowMs);
  for (const [type, active] of [
    ["Reconciling", reconciling],
    ["Stalled", stalled],
  ] as const) {
    const status = active ? "True" : "False";
    next = setCondition(next, { type, status, ...(active ?? calm), observedGeneration }, nowMs);
  }
  return next;
}

export type KstatusResult = "Current" | "InProgress" | "Failed" | "Terminating";

interface Judged {
  metadata: { generation?: number; deletionTimestamp?: string };
  status?: { observedGeneration?: number; conditions?: { type: string; status: string }[] };
}

/** How kstatus judges an object that follows its conventions; for children and for tests. */
export function judgeKstatus(object: Judged): KstatusResult {
  if (object.metadata.deletionTimestamp) return "Terminating";
  const { observedGeneration, conditions } = object.status ?? {};
  if (observedGeneration !== undefined && observedGeneration !== object.metadata.generation) return "InProgress";
  if (findCondition(conditions, "Stalled")?.status === "True") return "Failed";
  if (findCondition(conditions, "Reconciling")?.status === "True") return "InProgress";
  const ready = findCondition(conditions, "Ready");
  return ready && ready.status !== "True" ? "InProgress" : "Current";
}
