import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";
import fc from "fast-check";
import type { HttpBinding } from "../../src/rest/http-bindings.ts";
import { isLeaf, messageOf } from "../../src/rest/message-fields.ts";
import { jsonPath, setAt } from "../../src/rest/query-to-json.ts";

const depthMax = 2;
const text = fc.string({ unit: "grapheme", maxLength: 12 });
const instant = fc
  .date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true })
  .map((date) => date.toISOString());
const base64 = fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString("base64"));
const bigOf = (min: bigint, max: bigint) => fc.bigInt({ min, max }).map(String);
/** ProtoJSON has no zero below zero. */
const plain = (number: number): number => number || 0;
const finite = { noNaN: true, noDefaultInfinity: true };

const wellKnown: Record<string, fc.Arbitrary<JsonValue>> = {
  Timestamp: instant,
  Duration: fc.integer({ min: -1_000_000, max: 1_000_000 }).map((seconds) => `${seconds}s`),
  FieldMask: fc
    .uniqueArray(fc.constantFrom("name", "startTime", "nested.maybeOn"), { minLength: 1 })
    .map((paths) => paths.join(",")),
  StringValue: text,
  BytesValue: base64,
  BoolValue: fc.boolean(),
  Int64Value: bigOf(-(2n ** 63n), 2n ** 63n - 1n),
  Struct: fc.dictionary(text, fc.oneof(text, fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 2 })), {
    maxKeys: 2,
  }),
};

/** ProtoJSON of what a binding's query and body can carry of a message: everything but the fields in the path. */
export function jsonOf(message: DescMessage, { body, template }: HttpBinding): fc.Arbitrary<JsonObject> {
  const inPath = new Set(template.variables.map(({ path }) => path[0]));
  return record(
    message.fields.filter((field) => !inPath.has(field.name)),
    (field) => (body === "all" || (body !== "none" && body.name === field.name) ? "body" : "query"),
    depthMax,
  );
}

/** ProtoJSON of the fields in the path, none of them empty. */
export function pathTextOf(message: DescMessage, { template }: HttpBinding): fc.Arbitrary<JsonObject> {
  const values = template.variables.map(({ path, multi, from }) => {
    let at: DescMessage | undefined = message;
    let field: DescField | undefined;
    for (const name of path) {
      field = at?.fields.find((one) => one.name === name);
      at = field && messageOf(field);
    }
    const segment = template.segments[from];
    const lead = segment?.kind === "literal" ? `${segment.text}/` : "";
    const part = multi ? text.map((own) => own.replaceAll("/", "-")) : text;
    const one =
      field?.scalar === ScalarType.STRING ? part.filter(Boolean).map((own) => lead + own) : single(field as DescField);
    return one
      .filter(
        (value) => value !== "" && value !== 0 && value !== "0" && value !== false && value !== firstOf(field?.enum),
      )
      .map((value) => ({ path: jsonPath(message, path), value }));
  });
  return fc.tuple(...values).map((all) => {
    const tree: JsonObject = {};
    for (const { path, value } of all) setAt(tree, path, false, value);
    return tree;
  });
}

const firstOf = (type: DescEnum | undefined): string | undefined => type?.values[0]?.name;

type Place = "query" | "body";

function record(
  fields: readonly DescField[],
  placeOf: (field: DescField) => Place,
  depth: number,
): fc.Arbitrary<JsonObject> {
  const carried = fields
    .filter((field) => depth > 0 || isLeaf(field))
    .filter((field) => placeOf(field) === "body" || inQuery(field));
  const alone = carried.filter(
    (field, at) => !field.oneof || carried.findIndex((other) => other.oneof === field.oneof) === at,
  );
  const model = Object.fromEntries(alone.map((field) => [field.jsonName, jsonOfField(field, placeOf(field), depth)]));
  return fc.record(model, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<JsonObject>;
}

/** A query carries single values, lists of them, and messages with at least one. */
const inQuery = (field: DescField): boolean =>
  isLeaf(field) || (field.fieldKind === "message" && !field.message.typeName.startsWith("google.protobuf."));

function jsonOfField(field: DescField, place: Place, depth: number): fc.Arbitrary<JsonValue> {
  if (field.fieldKind === "map") return fc.dictionary(text, mapValue(field), { maxKeys: 2 });
  const one =
    isLeaf(field) || messageOf(field)?.typeName.startsWith("google.protobuf.")
      ? single(field)
      : nested(field, place, depth);
  return field.fieldKind === "list" ? fc.array(one, { maxLength: 3 }) : one;
}

const mapValue = (field: DescField): fc.Arbitrary<JsonValue> =>
  field.scalar === ScalarType.STRING ? text : bigOf(0n, 100n);

function nested(field: DescField, place: Place, depth: number): fc.Arbitrary<JsonValue> {
  return record(messageOf(field)?.fields ?? [], () => place, depth - 1);
}

function single(field: DescField): fc.Arbitrary<JsonValue> {
  if (field.enum) return fc.constantFrom(...field.enum.values.map(({ name }) => name));
  const message = messageOf(field);
  if (message) return wellKnown[message.name] ?? fc.constant({});
  switch (field.scalar) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BYTES:
      return base64;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.DOUBLE:
      return fc.double(finite).map(plain);
    case ScalarType.FLOAT:
      return fc.float(finite).map(plain);
    case ScalarType.INT64:
      return bigOf(-(2n ** 63n), 2n ** 63n - 1n);
    case ScalarType.UINT64:
      return bigOf(0n, 2n ** 64n - 1n);
    default:
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  }
}
