import { formatObject, formatSubject, type ObjectRef, type SubjectRef } from "./entity.ts";

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = { readonly [key: string]: JsonValue };

/** A condition that a relationship is bound to, with the parameters that were known when it was written. */
export interface RelationshipCondition {
  readonly name: string;
  readonly context: JsonObject;
}

/** "subject has relation to object", perhaps under a condition. Identity: object, relation and subject. */
export interface Relationship {
  readonly object: ObjectRef;
  readonly relation: string;
  readonly subject: SubjectRef;
  readonly condition: RelationshipCondition | undefined;
}

/** Injective, because no part may hold a separator (see entity.ts). */
export const usersetKey = (object: ObjectRef, relation: string): string => `${formatObject(object)}#${relation}`;
export const relationshipKey = (r: Omit<Relationship, "condition">): string =>
  `${usersetKey(r.object, r.relation)}@${formatSubject(r.subject)}`;

/** Same condition name and same parameters, whatever their order. */
export function sameCondition(a: RelationshipCondition | undefined, b: RelationshipCondition | undefined): boolean {
  return a?.name === b?.name && canonicalJson(a?.context ?? {}) === canonicalJson(b?.context ?? {});
}

export function canonicalJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value as JsonObject).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${canonicalJson(part)}`).join(",")}}`;
}
