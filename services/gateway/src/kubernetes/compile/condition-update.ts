import type { ConditionUpdate } from "@plinth/kube";

/** A condition of an object of this generation, with the time of its last transition still to be told. */
export const condition = (
  type: string,
  status: ConditionUpdate["status"],
  reason: string,
  message: string,
  observedGeneration: number | undefined,
): ConditionUpdate => ({
  type,
  status,
  reason,
  message,
  ...(observedGeneration === undefined ? {} : { observedGeneration }),
});
