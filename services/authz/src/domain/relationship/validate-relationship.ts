import { Fault } from "@plinth/kernel";
import { findRelation, type Model, type Relation } from "../model/model.ts";
import { quote } from "./entity.ts";
import { type Relationship, relationshipKey } from "./relationship.ts";
import { describeRestrictions, matchesRestrictions } from "./type-restriction.ts";

/** Refuses a relationship that the model gives no meaning: the same rule for stored and contextual ones. */
export function validateRelationship(model: Model, relationship: Relationship): void {
  const relation = requireRelation(model, relationship.object.type, relationship.relation);
  if (relation.restrictions.length === 0)
    throw refuse(
      relationship,
      `relation "${relation.name}" is computed, nothing can be assigned to it; assign to a relation that its definition names`,
    );
  if (relationship.subject.relation !== undefined) {
    if (relationship.subject.relation === relation.name && sameObject(relationship))
      throw refuse(relationship, "it says that a set is part of itself, which is always so");
    requireRelation(model, relationship.subject.type, relationship.subject.relation);
  } else requireType(model, relationship.subject.type);
  if (!matchesRestrictions(relation, relationship))
    throw refuse(
      relationship,
      `the model allows ${describeRestrictions(relation)} there${conditionNote(relationship)}`,
    );
  const { condition } = relationship;
  if (condition) model.conditions.get(condition.name)?.validateContext(condition.context);
}

export function requireType(model: Model, type: string): void {
  if (!model.types.has(type))
    throw new Fault({
      code: "invalid_argument",
      reason: "TYPE_UNKNOWN",
      message: `the model has no type ${quote(type)}; a service adds its types with PutModelModule`,
      details: { type },
    });
}

export function requireRelation(model: Model, type: string, relation: string): Relation {
  requireType(model, type);
  const found = findRelation(model, type, relation);
  if (found) return found;
  const known = [...(model.types.get(type)?.relations.keys() ?? [])].sort().join(", ");
  throw new Fault({
    code: "invalid_argument",
    reason: "RELATION_UNKNOWN",
    message: `type "${type}" has no relation ${quote(relation)}; it has ${known || "none"}`,
    details: { type, relation },
  });
}

const sameObject = ({ object, subject }: Relationship): boolean =>
  object.type === subject.type && object.id === subject.id;

const conditionNote = ({ condition }: Relationship): string =>
  condition ? `, and the relationship has the condition ${quote(condition.name)}` : " and this one has no condition";

const refuse = (relationship: Relationship, problem: string): Fault =>
  new Fault({
    code: "invalid_argument",
    reason: "RELATIONSHIP_INVALID",
    message: `relationship ${quote(relationshipKey(relationship))} is refused: ${problem}`,
  });
