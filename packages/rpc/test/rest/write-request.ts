import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { HttpBinding } from "../../src/rest/http-bindings.ts";
import { jsonPath } from "../../src/rest/query-to-json.ts";

export interface WrittenRequest {
  method: string;
  path: string;
  query: string;
  body: string;
}

/** A request as a client writes it that follows google/api/http.proto: from ProtoJSON to path, query and body. */
export function writeRequest(binding: HttpBinding, json: JsonObject): WrittenRequest {
  const { method, template, rpc, body } = binding;
  const rest = structuredClone(json);
  const texts = template.variables.map(({ path, from, multi }) => {
    const text = String(takeAt(rest, jsonPath(rpc.input, path)));
    return { from, text: multi ? text.split("/").map(encode).join("/") : encode(text) };
  });
  const segments: string[] = [];
  template.segments.forEach((segment, at) => {
    const variable = texts.find(({ from }) => from === at);
    if (variable) segments.push(variable.text);
    else if (segment.kind === "literal" && !template.variables.some(({ from, to }) => at > from && at < to))
      segments.push(encode(segment.text));
  });
  const path = `/${segments.join("/")}${template.verb ? `:${template.verb}` : ""}`;
  if (body === "all") return { method, path, query: "", body: JSON.stringify(rest) };
  if (body === "none") return { method, path, query: flat(rest).join("&"), body: "" };
  const part = rest[body.jsonName];
  delete rest[body.jsonName];
  return { method, path, query: flat(rest).join("&"), body: part === undefined ? "" : JSON.stringify(part) };
}

const encode = (text: string): string => encodeURIComponent(text).replaceAll("+", "%2B");

/** The value at a path, which is then no longer there. */
function takeAt(json: JsonObject, path: readonly string[]): JsonValue {
  const [name = "", ...rest] = path;
  if (rest.length > 0) return takeAt(json[name] as JsonObject, rest);
  const value = json[name] as JsonValue;
  delete json[name];
  return value;
}

function flat(json: JsonValue, at: readonly string[] = []): string[] {
  if (Array.isArray(json)) return json.flatMap((item) => flat(item, at));
  if (typeof json === "object" && json !== null)
    return Object.entries(json).flatMap(([name, value]) => flat(value, [...at, name]));
  return [`${encode(at.join("."))}=${encode(String(json))}`];
}
