import { parseObject, parseSubject } from "../src/domain/relationship/entity.ts";
import {
  type Relationship,
  type RelationshipCondition,
  relationshipKey,
} from "../src/domain/relationship/relationship.ts";

/** "document:1#viewer@user:anne" as a relationship. */
export function relationship(text: string, condition?: RelationshipCondition): Relationship {
  const [userset = "", subject = ""] = text.split("@");
  const [object = "", relation = ""] = userset.split("#");
  return { object: parseObject(object), relation, subject: parseSubject(subject), condition };
}

export const texts = (relationships: readonly Relationship[]): string[] => relationships.map(relationshipKey);
