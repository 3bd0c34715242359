import type { Condition } from "../condition/condition.ts";

/** How a relation is computed, as written after "define x:". */
export type Rewrite =
  | { readonly kind: "direct" }
  | { readonly kind: "computed"; readonly relation: string }
  | { readonly kind: "from"; readonly relation: string; readonly tupleset: string }
  | { readonly kind: "union" | "intersection"; readonly children: readonly Rewrite[] }
  | { readonly kind: "exclusion"; readonly base: Rewrite; readonly subtract: Rewrite };

/** One entry of "[user, user:*, group#member with office_hours]". */
export interface TypeRestriction {
  readonly type: string;
  readonly relation: string | undefined;
  readonly wildcard: boolean;
  readonly condition: string | undefined;
}

export interface Relation {
  readonly name: string;
  readonly rewrite: Rewrite;
  /** Empty when nothing may be assigned directly. */
  readonly restrictions: readonly TypeRestriction[];
}

export interface TypeDefinition {
  readonly name: string;
  /** Module that owns the type: only its service may write relationships on objects of it. */
  readonly module: string;
  readonly relations: ReadonlyMap<string, Relation>;
}

/** A valid authorization model: every name in it resolves. */
export interface Model {
  readonly types: ReadonlyMap<string, TypeDefinition>;
  readonly conditions: ReadonlyMap<string, Condition>;
  /** Same text, same version, on every instance. */
  readonly version: string;
}

/** Source of a part of the model: the types that one service owns. */
export interface ModelModule {
  readonly name: string;
  readonly dsl: string;
}

export const findRelation = (model: Model, type: string, relation: string): Relation | undefined =>
  model.types.get(type)?.relations.get(relation);
