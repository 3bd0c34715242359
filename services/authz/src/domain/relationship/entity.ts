import { Fault } from "@plinth/kernel";
import { limits } from "../limits.ts";

/** "type:id" */
export interface ObjectRef {
  readonly type: string;
  readonly id: string;
}

/** "type:id", "type:*" (everyone of the type, id is "*") or "type:id#relation" (a userset). */
export interface SubjectRef extends ObjectRef {
  readonly relation: string | undefined;
}

export const wildcardId = "*";

const namePattern = /^[A-Za-z_][A-Za-z0-9_-]*$/;
/**
 * No separators of the notation, no white space, nothing invisible, no half of a surrogate pair: what two parties
 * read as the same id is the same id, and "type:id#relation" can be taken apart in one way only.
 */
const idPattern = /^[^:#*\p{C}\p{Z}]+$/u;

export const isTypeName = (name: string): boolean => name.length <= limits.typeNameMax && namePattern.test(name);
export const isRelationName = (name: string): boolean =>
  name.length <= limits.relationNameMax && namePattern.test(name);

export function parseObject(text: string): ObjectRef {
  const separator = text.indexOf(":");
  const object = { type: text.slice(0, Math.max(separator, 0)), id: text.slice(separator + 1) };
  if (
    separator < 1 ||
    Buffer.byteLength(text) > limits.objectBytesMax ||
    !isTypeName(object.type) ||
    !idPattern.test(object.id)
  )
    throw malformed("object", text, `"type:id", at most ${limits.objectBytesMax} bytes`);
  return object;
}

export function parseSubject(text: string): SubjectRef {
  const expected = `"type:id", "type:*" or "type:id#relation", at most ${limits.subjectBytesMax} bytes`;
  if (Buffer.byteLength(text) > limits.subjectBytesMax) throw malformed("subject", text, expected);
  const colon = text.indexOf(":");
  const hash = text.indexOf("#");
  const type = text.slice(0, Math.max(colon, 0));
  const id = text.slice(colon + 1, hash < 0 ? undefined : hash);
  const relation = hash < 0 ? undefined : text.slice(hash + 1);
  const validId = idPattern.test(id) || (id === wildcardId && relation === undefined);
  const validRelation = relation === undefined || isRelationName(relation);
  const validObject = Buffer.byteLength(type) + Buffer.byteLength(id) < limits.objectBytesMax;
  if (colon < 1 || !isTypeName(type) || !validId || !validRelation || !validObject)
    throw malformed("subject", text, expected);
  return { type, id, relation };
}

export const formatObject = (object: ObjectRef): string => `${object.type}:${object.id}`;
export const formatSubject = (subject: SubjectRef): string =>
  subject.relation === undefined ? formatObject(subject) : `${formatObject(subject)}#${subject.relation}`;
export const isWildcard = (subject: SubjectRef): boolean => subject.id === wildcardId;

function malformed(what: "object" | "subject", text: string, expected: string): Fault {
  return new Fault({
    code: "invalid_argument",
    reason: what === "object" ? "OBJECT_MALFORMED" : "SUBJECT_MALFORMED",
    message: `${what} ${quote(text)} must look like ${expected}, without spaces and without ":", "#" or "*" in the id`,
    details: { field: what },
  });
}

/** What a caller sent, short enough and harmless enough to be shown back. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80).toWellFormed()}...` : text.toWellFormed());
