import { Fault } from "@plinth/kernel";
import { isRelationName, isTypeName, parseObject, parseSubject, quote, type SubjectRef } from "./entity.ts";
import type { Relationship } from "./relationship.ts";

/** Absent parts match everything. */
export interface RelationshipFilter {
  readonly objectType: string | undefined;
  /** Only with `objectType`. */
  readonly objectId: string | undefined;
  readonly relation: string | undefined;
  readonly subject: SubjectRef | undefined;
}

/** Reads "type:id" or "type:" for objects; empty texts match everything. */
export function parseFilter(text: { object: string; relation: string; subject: string }): RelationshipFilter {
  if (text.relation !== "" && !isRelationName(text.relation)) throw malformed("relation", text.relation);
  return {
    ...parseObjectFilter(text.object),
    relation: text.relation || undefined,
    subject: text.subject === "" ? undefined : parseSubject(text.subject),
  };
}

function parseObjectFilter(text: string): Pick<RelationshipFilter, "objectType" | "objectId"> {
  if (text === "") return { objectType: undefined, objectId: undefined };
  if (!text.endsWith(":")) {
    const object = parseObject(text);
    return { objectType: object.type, objectId: object.id };
  }
  const type = text.slice(0, -1);
  if (!isTypeName(type)) throw malformed("object", text);
  return { objectType: type, objectId: undefined };
}

export function matchesFilter(filter: RelationshipFilter, relationship: Relationship): boolean {
  const { object, relation, subject } = relationship;
  return (
    (filter.objectType === undefined || filter.objectType === object.type) &&
    (filter.objectId === undefined || filter.objectId === object.id) &&
    (filter.relation === undefined || filter.relation === relation) &&
    (filter.subject === undefined ||
      (filter.subject.type === subject.type &&
        filter.subject.id === subject.id &&
        filter.subject.relation === subject.relation))
  );
}

const malformed = (field: string, text: string): Fault =>
  new Fault({
    code: "invalid_argument",
    reason: "FILTER_MALFORMED",
    message: `filter ${field} ${quote(text)} is malformed: object is "type:id" or "type:", relation a name, subject "type:id", "type:*" or "type:id#relation"`,
    details: { field },
  });
