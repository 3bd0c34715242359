import { Fault, isFault } from "@plinth/kernel";
import type { Model } from "../model/model.ts";
import type { ObjectRef, SubjectRef } from "../relationship/entity.ts";
import { type Relationship, relationshipKey } from "../relationship/relationship.ts";
import { requireRelation, requireType, validateRelationship } from "../relationship/validate-relationship.ts";

/** Refuses a question about types or relations that the model does not have. */
export function validateQuestion(
  model: Model,
  question: { object: ObjectRef; relation: string; subject: SubjectRef },
): void {
  requireRelation(model, question.object.type, question.relation);
  validateSubject(model, question.subject);
}

export function validateSubject(model: Model, subject: SubjectRef): void {
  if (subject.relation === undefined) requireType(model, subject.type);
  else requireRelation(model, subject.type, subject.relation);
}

/** Contextual relationships obey the model like stored ones; the fault says that it was one of them. */
export function validateContextual(model: Model, relationships: readonly Relationship[]): void {
  const seen = new Set<string>();
  for (const relationship of relationships) {
    const key = relationshipKey(relationship);
    try {
      validateRelationship(model, relationship);
    } catch (err) {
      throw isFault(err) ? contextualFault(err.message, err) : err;
    }
    if (seen.has(key)) throw contextualFault(`relationship "${key}" is given twice`);
    seen.add(key);
  }
}

export const contextualFault = (problem: string, cause?: unknown): Fault =>
  new Fault({
    code: "invalid_argument",
    reason: "CONTEXTUAL_RELATIONSHIP_INVALID",
    message: `contextual relationships: ${problem}`,
    cause,
  });
