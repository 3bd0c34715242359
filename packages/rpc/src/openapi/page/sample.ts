import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { listAt, objectAt, textAt } from "./html.ts";
import { refName } from "./schema-text.ts";

const formats: Readonly<Record<string, string>> = {
  uuid: "0192f0c4-7a3e-7cc0-8000-000000000000",
  email: "somebody@example.com",
  hostname: "host.example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/",
  "uri-reference": "/path",
  "date-time": "2030-01-02T03:04:05Z",
  int64: "1",
  uint64: "1",
};

/** Values within values, at most this deep. */
const depthMax = 6;
/** A sample is not longer, whatever its schema asks for. */
const charsMax = 256;

/** A value that the schema lets pass, as far as it can be made up: of an object, the required fields. */
export function sampleOf(schema: JsonObject, schemas: JsonObject, depth = 0): JsonValue {
  const ref = refName(schema);
  if (ref !== undefined) {
    const { $ref: _, ...own } = schema;
    return depth > depthMax ? {} : sampleOf({ ...objectAt(schemas[ref]), ...own }, schemas, depth + 1);
  }
  const given = schema["const"] ?? listAt(schema["examples"])[0] ?? choice(schema);
  if (given !== undefined) return given;
  const [first] = [...listAt(schema["oneOf"]), ...listAt(schema["anyOf"])];
  if (schema["type"] === undefined && first !== undefined && depth <= depthMax)
    return sampleOf(objectAt(first), schemas, depth + 1);
  switch ([schema["type"] ?? "object"].flat()[0]) {
    case "string":
      return stringSample({ ...schema, ...objectAt(listAt(schema["anyOf"])[0]) });
    case "integer":
    case "number":
      return numberSample(schema);
    case "boolean":
      return true;
    case "null":
      return null;
    case "array":
      return depth > depthMax ? [] : [sampleOf(objectAt(schema["items"]), schemas, depth + 1)];
    default:
      return objectSample(schema, schemas, depth);
  }
}

/** Values of enums that mean none come first. */
function choice(schema: JsonObject): JsonValue | undefined {
  const barred = listAt(objectAt(schema["not"])["enum"]);
  const values = listAt(schema["enum"]).filter((value) => !barred.includes(value));
  return values.find((value) => value !== "" && !String(value).endsWith("_UNSPECIFIED")) ?? values[0];
}

function stringSample(schema: JsonObject): string {
  const known = formats[textAt(schema["format"])];
  if (known !== undefined) return known;
  const bytes = schema["contentEncoding"] === "base64";
  const lengthMin = Math.min(Number(schema["minLength"] ?? 0), charsMax);
  const lengthMax = Number(schema["maxLength"] ?? charsMax);
  if (bytes) return "A".repeat(Math.max(4, Math.ceil(lengthMin / 4) * 4));
  return "text".padEnd(lengthMin, "-").slice(0, lengthMax);
}

function numberSample(schema: JsonObject): number {
  const above = schema["exclusiveMinimum"];
  const low = typeof above === "number" ? Math.floor(above) + 1 : Number(schema["minimum"] ?? 1);
  return Math.min(Math.max(low, 1), Number(schema["maximum"] ?? Number.MAX_SAFE_INTEGER));
}

function objectSample(schema: JsonObject, schemas: JsonObject, depth: number): JsonObject {
  if (depth > depthMax) return {};
  const properties = objectAt(schema["properties"]);
  // Of each oneof its first field.
  const alternatives = listAt(schema["allOf"]).flatMap((part) =>
    listAt(objectAt(listAt(objectAt(part)["oneOf"])[0])["required"]),
  );
  const names = [...new Set([...listAt(schema["required"]), ...alternatives])].map(String);
  return Object.fromEntries(names.map((name) => [name, sampleOf(objectAt(properties[name]), schemas, depth + 1)]));
}
