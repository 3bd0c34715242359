import type { DescField, DescMessage } from "@bufbuild/protobuf";

/** Messages that JSON writes as one string, number or boolean. */
const leafMessages = new Set([
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
  "google.protobuf.FieldMask",
  "google.protobuf.DoubleValue",
  "google.protobuf.FloatValue",
  "google.protobuf.Int64Value",
  "google.protobuf.UInt64Value",
  "google.protobuf.Int32Value",
  "google.protobuf.UInt32Value",
  "google.protobuf.BoolValue",
  "google.protobuf.StringValue",
  "google.protobuf.BytesValue",
]);

/** Messages whose JSON follows no fields of theirs. */
const freeMessages = new Set([
  "google.protobuf.Struct",
  "google.protobuf.Value",
  "google.protobuf.ListValue",
  "google.protobuf.Any",
]);

/** The field at a path of proto or JSON names; undefined when a part of it is none, or leads through a list, map or leaf. */
export function fieldNamed(message: DescMessage, path: readonly string[]): DescField | undefined {
  let at: DescMessage | undefined = message;
  let field: DescField | undefined;
  for (const name of path) {
    field = at?.fields.find((one) => one.name === name || one.jsonName === name);
    if (field === undefined) return undefined;
    at = field.fieldKind === "message" && !isLeaf(field) && !isFree(field.message) ? field.message : undefined;
  }
  return field;
}

/** Whether one text can stand for the field's value, or for each of its values when it is a list. */
export function isLeaf(field: DescField): boolean {
  if (field.fieldKind === "map") return false;
  const message = messageOf(field);
  return message === undefined || leafMessages.has(message.typeName);
}

export const isFree = (message: DescMessage): boolean => freeMessages.has(message.typeName);

/** The message type of a field, or of a list's items. */
export const messageOf = (field: DescField): DescMessage | undefined =>
  field.fieldKind === "message" || field.fieldKind === "list" ? field.message : undefined;
