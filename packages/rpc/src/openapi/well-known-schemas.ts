import { type DescMessage, type JsonObject, ScalarType } from "@bufbuild/protobuf";

const integer64: JsonObject = { type: "string", format: "int64", pattern: "^-?[0-9]+$" };
const unsigned64: JsonObject = { type: "string", format: "uint64", pattern: "^[0-9]+$" };
const integer32: JsonObject = { type: "integer", format: "int32" };
const unsigned32: JsonObject = { type: "integer", format: "uint32", minimum: 0 };
const bytes: JsonObject = { type: "string", contentEncoding: "base64" };
/** Numbers that JSON has no literal for are strings. */
const floating = (format: string): JsonObject => ({
  oneOf: [
    { type: "number", format },
    { type: "string", enum: ["NaN", "Infinity", "-Infinity"] },
  ],
});

/** ProtoJSON of scalars. */
export const scalarSchemas: Readonly<Record<ScalarType, JsonObject>> = {
  [ScalarType.STRING]: { type: "string" },
  [ScalarType.BOOL]: { type: "boolean" },
  [ScalarType.BYTES]: bytes,
  [ScalarType.DOUBLE]: floating("double"),
  [ScalarType.FLOAT]: floating("float"),
  [ScalarType.INT32]: integer32,
  [ScalarType.SINT32]: integer32,
  [ScalarType.SFIXED32]: integer32,
  [ScalarType.UINT32]: unsigned32,
  [ScalarType.FIXED32]: unsigned32,
  [ScalarType.INT64]: integer64,
  [ScalarType.SINT64]: integer64,
  [ScalarType.SFIXED64]: integer64,
  [ScalarType.UINT64]: unsigned64,
  [ScalarType.FIXED64]: unsigned64,
};

const special: Readonly<Record<string, JsonObject>> = {
  Timestamp: { type: "string", format: "date-time" },
  Duration: { type: "string", pattern: "^-?[0-9]+(\\.[0-9]{1,9})?s$", examples: ["1.5s"] },
  FieldMask: {
    type: "string",
    description: "Paths of fields, separated by commas.",
    examples: ["displayName,email"],
  },
  Struct: { type: "object", additionalProperties: true },
  Value: {},
  ListValue: { type: "array", items: {} },
  Any: {
    type: "object",
    description: "A message of any type, which `@type` names.",
    properties: { "@type": { type: "string" } },
    required: ["@type"],
    additionalProperties: true,
  },
};

/** The schema of a message whose JSON does not follow its fields; undefined for all others. */
export function wellKnownSchema(message: DescMessage): JsonObject | undefined {
  if (message.file.proto.package !== "google.protobuf") return undefined;
  const found = special[message.name];
  if (found !== undefined) return found;
  const wrapped = /^\w+Value$/.test(message.name) ? message.fields.find(({ name }) => name === "value") : undefined;
  return wrapped?.scalar === undefined ? undefined : scalarSchemas[wrapped.scalar];
}
