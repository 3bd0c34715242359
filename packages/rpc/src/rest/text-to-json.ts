import { type DescField, type JsonValue, ScalarType } from "@bufbuild/protobuf";

const integers = new Set<ScalarType>([
  ScalarType.INT32,
  ScalarType.SINT32,
  ScalarType.SFIXED32,
  ScalarType.UINT32,
  ScalarType.FIXED32,
  ScalarType.INT64,
  ScalarType.SINT64,
  ScalarType.SFIXED64,
  ScalarType.UINT64,
  ScalarType.FIXED64,
]);
const floats = new Set<ScalarType>([ScalarType.DOUBLE, ScalarType.FLOAT]);

/**
 * The JSON (ProtoJSON) of a text in a path or query. Where JSON would read a text more freely than a decimal number, for
 * example `0x10` or an empty one, it stays a text that JSON refuses. Throws Error for what is no value of the field.
 */
export function textToJson(field: DescField, text: string): JsonValue {
  if (field.fieldKind === "enum" || (field.fieldKind === "list" && field.listKind === "enum"))
    return /^-?\d{1,10}$/.test(text) ? Number(text) : text;
  const scalar = scalarOf(field);
  if (scalar === undefined) return field.message?.typeName === "google.protobuf.FieldMask" ? camelPaths(text) : text;
  if (scalar === ScalarType.BOOL) {
    if (text === "true") return true;
    if (text === "false") return false;
    throw new Error(`"true" or "false" is expected`);
  }
  if (integers.has(scalar) && !/^-?\d{1,20}$/.test(text)) throw new Error("an integer is expected");
  if (floats.has(scalar) && !/^(-?\d+(\.\d+)?([eE][+-]?\d+)?|NaN|-?Infinity)$/.test(text))
    throw new Error("a number is expected");
  return text;
}

/** The scalar type of a field, a list's items or a wrapper's value. */
function scalarOf(field: DescField): ScalarType | undefined {
  if (field.scalar !== undefined) return field.scalar;
  const { message } = field;
  if (message === undefined || !/^google\.protobuf\.\w+Value$/.test(message.typeName)) return undefined;
  return message.fields.find((one) => one.name === "value")?.scalar;
}

/** Field masks may name fields as the proto does or as JSON does (AIP-161). */
const camelPaths = (text: string): string => text.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
