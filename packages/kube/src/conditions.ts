/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/condition/ (metav1.Condition) as JSON. */
export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  /** CamelCase, for programs. */
  reason: string;
  /** For people; cut at 32 KiB. */
  message: string;
  /** The metadata.generation that this judges. */
  observedGeneration?: number;
  /** RFC 3339, whole seconds. */
  lastTransitionTime: string;
}

export type ConditionUpdate = Omit<Condition, "lastTransitionTime">;

const messageCharactersMax = 32_768;
const reasonPattern = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/;

/**
 * The conditions with this one set. lastTransitionTime moves only when the status does. Returns the same array when nothing
 * changes, so that a caller can tell whether there is anything to write.
 */
export function setCondition<C extends Condition>(
  conditions: readonly C[] | undefined,
  update: ConditionUpdate,
  nowMs: number,
): readonly (C | Condition)[] {
  if (!reasonPattern.test(update.reason)) throw new TypeError(`"${update.reason}" cannot be a condition's reason`);
  const known = conditions?.find((condition) => condition.type === update.type);
  const message = cut(update.message);
  const sameStatus = known?.status === update.status;
  if (
    conditions &&
    sameStatus &&
    known.reason === update.reason &&
    known.message === message &&
    known.observedGeneration === update.observedGeneration
  ) {
    return conditions;
  }
  const lastTransitionTime = sameStatus ? known.lastTransitionTime : toWholeSeconds(nowMs);
  const next: Condition = { ...update, message, lastTransitionTime };
  if (!known) return [...(conditions ?? []), next];
  return (conditions ?? []).map((condition) => (condition.type === update.type ? next : condition));
}

/** The conditions without this type; the same array when it is not among them. */
export function removeCondition<C extends Condition>(conditions: readonly C[], type: string): readonly C[] {
  return conditions.some((condition) => condition.type === type)
    ? conditions.filter((condition) => condition.type !== type)
    : conditions;
}

export const findCondition = <C extends { type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined => conditions?.find((condition) => condition.type === type);

export const isTrue = (conditions: readonly { type: string; status: string }[] | undefined, type: string): boolean =>
  findCondition(conditions, type)?.status === "True";

const cut = (message: string): string =>
  message.length <= messageCharactersMax ? message : `${message.slice(0, messageCharactersMax - 1)}…`;

const toWholeSeconds = (nowMs: number): string => `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
