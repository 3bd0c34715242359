import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type Html, html, listAt, objectAt, textAt } from "./html.ts";

const schemaRef = "#/components/schemas/";

/** Schemas within schemas that are written out, at most this deep. */
const depthMax = 8;

/** The name of the component that a schema refers to; undefined when it is written out in its place. */
export const refName = (schema: JsonObject): string | undefined => {
  const ref = textAt(schema["$ref"]);
  return ref.startsWith(schemaRef) ? ref.slice(schemaRef.length) : undefined;
};

export const schemaId = (name: string): string => anchor(`schema-${name}`);

/** A text as an id of HTML that can stand in an address as it is. */
export const anchor = (text: string): string => text.replaceAll(/[^\w.-]+/g, "-");

/** "list of User", "map of text", "integer or null". */
export function typeText(schema: JsonObject, depth = 0): Html {
  if (depth > depthMax) return html`...`;
  const ref = refName(schema);
  if (ref !== undefined) return html`<a href="#${schemaId(ref)}">${shortName(ref)}</a>`;
  const alternatives = [...listAt(schema["anyOf"]), ...listAt(schema["oneOf"])].map(objectAt);
  if (alternatives.length > 0 && alternatives.every((one) => "type" in one || "$ref" in one || "anyOf" in one))
    return html`${alternatives.map((one, i) => html`${i > 0 && " or "}${typeText(one, depth + 1)}`)}`;
  const type = [schema["type"] ?? []].flat().map(String);
  if (type.includes("array")) return html`list of ${typeText(objectAt(schema["items"]), depth + 1)}`;
  const values = objectAt(schema["additionalProperties"]);
  if (type.includes("object") && Object.keys(values).length > 0) return html`map of ${typeText(values, depth + 1)}`;
  const format = textAt(schema["format"]) || textAt(schema["contentEncoding"]);
  return html`${type.length === 0 ? "anything" : type.join(" or ")}${format !== "" && ` (${format})`}`;
}

/** The last part of a full name, with what marks it as a request's. */
export const shortName = (name: string): string => name.replace(/^(?:[a-z][\w]*\.)+(?=[A-Z])/, "");

const counts = [
  ["minLength", "maxLength", "characters"],
  ["minItems", "maxItems", "items"],
  ["minProperties", "maxProperties", "entries"],
  ["minimum", "maximum", ""],
] as const;

/** What values are held to: bounds, patterns and choices. */
export function constraintTexts(schema: JsonObject, depth = 0): Html[] {
  const found: Html[] = [];
  for (const [low, high, unit] of counts) {
    const range = rangeText(schema[low], schema[high]);
    if (range !== "") found.push(html`${range}${unit !== "" && ` ${unit}`}`);
  }
  if (typeof schema["exclusiveMinimum"] === "number") found.push(html`more than ${schema["exclusiveMinimum"]}`);
  if (typeof schema["exclusiveMaximum"] === "number") found.push(html`less than ${schema["exclusiveMaximum"]}`);
  for (const { pattern } of [schema, ...listAt(schema["allOf"]).map(objectAt)] as { pattern?: JsonValue }[])
    if (typeof pattern === "string") found.push(html`matches <code>${pattern}</code>`);
  if (schema["const"] !== undefined) found.push(html`always <code>${JSON.stringify(schema["const"])}</code>`);
  if (Array.isArray(schema["enum"])) found.push(html`one of ${codes(schema["enum"])}`);
  const not = objectAt(schema["not"])["enum"];
  if (Array.isArray(not)) found.push(html`not ${codes(not)}`);
  if (schema["uniqueItems"] === true) found.push(html`no item twice`);
  const items = objectAt(schema["items"]);
  if (depth < depthMax && Object.keys(items).length > 0)
    for (const text of constraintTexts(items, depth + 1)) found.push(html`each: ${text}`);
  return found;
}

const codes = (values: readonly JsonValue[]): Html =>
  html`${values.map((value, i) => html`${i > 0 && ", "}<code>${typeof value === "string" ? value : JSON.stringify(value)}</code>`)}`;

function rangeText(low: JsonValue | undefined, high: JsonValue | undefined): string {
  if (typeof low === "number" && typeof high === "number") return low === high ? `exactly ${low}` : `${low} to ${high}`;
  if (typeof low === "number") return `at least ${low}`;
  return typeof high === "number" ? `at most ${high}` : "";
}
