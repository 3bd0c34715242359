import type { Model, Relation, TypeRestriction } from "../model/model.ts";
import { findRelation } from "../model/model.ts";
import { isWildcard, type SubjectRef } from "./entity.ts";
import type { Relationship } from "./relationship.ts";

/**
 * Whether the model, as it is now, lets this relationship count. Asked for every relationship that a check reads,
 * stored or contextual: one that an older model allowed has no effect, and a wildcard or an unconditioned subject
 * counts only where the model says exactly that.
 */
export function isAssignable(model: Model, relationship: Relationship): boolean {
  const relation = findRelation(model, relationship.object.type, relationship.relation);
  return relation !== undefined && matchesRestrictions(relation, relationship);
}

export function matchesRestrictions(relation: Relation, relationship: Relationship): boolean {
  return relation.restrictions.some(
    (restriction) =>
      matchesSubject(restriction, relationship.subject) && restriction.condition === relationship.condition?.name,
  );
}

const matchesSubject = (restriction: TypeRestriction, subject: SubjectRef): boolean =>
  restriction.type === subject.type &&
  restriction.wildcard === isWildcard(subject) &&
  restriction.relation === subject.relation;

/** "[user, user:*, group#member with office_hours]", for messages. */
export const describeRestrictions = (relation: Relation): string =>
  `[${relation.restrictions
    .map((r) => {
      const subject = `${r.type}${r.wildcard ? ":*" : ""}${r.relation === undefined ? "" : `#${r.relation}`}`;
      return r.condition === undefined ? subject : `${subject} with ${r.condition}`;
    })
    .join(", ")}]`;
