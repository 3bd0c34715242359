import type { Fault } from "@plinth/kernel";
import type { JsonObject } from "../relationship/relationship.ts";

/** The types that OpenFGA's language knows for a parameter; `element` is set for list and map. */
export interface ParameterType {
  readonly name:
    | "bool"
    | "string"
    | "int"
    | "uint"
    | "double"
    | "duration"
    | "timestamp"
    | "ipaddress"
    | "any"
    | "list"
    | "map";
  readonly element: ParameterType | undefined;
}

/** True, false, or the reason why neither can be said. */
export type ConditionOutcome = boolean | Fault;

/** A named expression in CEL over typed parameters. */
export interface Condition {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, ParameterType>;
  /** `stored` comes with the relationship and wins over `requested`, or a caller could lift what was granted under a limit. */
  evaluate(stored: JsonObject, requested: JsonObject): ConditionOutcome;
  /** Refuses parameters that the condition does not have or whose values do not fit. Parts may be missing. */
  validateContext(context: JsonObject): void;
}
