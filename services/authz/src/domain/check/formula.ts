import type { Fault } from "@plinth/kernel";
import type { ObjectRef } from "../relationship/entity.ts";

/** "Is the subject in object#relation?", one question of a check. */
export interface CheckNode {
  readonly key: string;
  readonly object: ObjectRef;
  readonly relation: string;
  /** Stored relationships between the question that was asked and this one. */
  readonly depth: number;
  /** Absent until the relationships it depends on have been read. */
  formula: Formula | undefined;
  /** Nodes whose formula mentions this one. */
  readonly dependents: Set<CheckNode>;
}

/** What a question's answer depends on. A fault stands for an answer that cannot be found. */
export type Formula =
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "fault"; readonly fault: Fault }
  | { readonly kind: "node"; readonly node: CheckNode }
  | { readonly kind: "any" | "all"; readonly parts: readonly Formula[] }
  | { readonly kind: "except"; readonly base: Formula; readonly subtract: Formula };

export const never: Formula = { kind: "constant", value: false };
export const always: Formula = { kind: "constant", value: true };

export function anyOf(parts: readonly Formula[]): Formula {
  if (parts.includes(always)) return always;
  const open = parts.filter((part) => part !== never);
  return open.length === 0 ? never : open.length === 1 ? (open[0] as Formula) : { kind: "any", parts: open };
}
