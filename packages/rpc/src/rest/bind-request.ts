import {
  create,
  type DescMethod,
  fromJson,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  mergeFromJson,
  mergeFromJsonString,
  type Registry,
  toJson,
} from "@bufbuild/protobuf";
import { Fault } from "@plinth/kernel";
import { isJsonObject } from "../json-object.ts";
import type { HttpBinding } from "./http-bindings.ts";
import { fieldNamed } from "./message-fields.ts";
import { jsonPath, queryToJson, setAt } from "./query-to-json.ts";
import { textToJson } from "./text-to-json.ts";

export type RequestMessage = MessageShape<DescMethod["input"]>;

export interface RequestParts {
  /** The path variables' texts by field path (proto names). */
  values: ReadonlyMap<readonly string[], string>;
  /** Percent-encoded, without the question mark. */
  query: string;
  /** JSON; an empty one stands for no field at all. */
  body: string;
}

/**
 * The request message that path, query and body say together, by the rules of google/api/http.proto. A body may repeat
 * what the path says. Throws Fault REQUEST_MALFORMED that says which part is wrong.
 */
export function bindRequest(binding: HttpBinding, parts: RequestParts, registry: Registry): RequestMessage {
  try {
    return bind(binding, parts, registry);
  } catch (err) {
    const message = err instanceof Error ? err.message : "the request cannot be read";
    throw new Fault({ code: "invalid_argument", reason: "REQUEST_MALFORMED", message, cause: err });
  }
}

function bind(binding: HttpBinding, { values, query, body }: RequestParts, registry: Registry): RequestMessage {
  const { input } = binding.rpc;
  const options = { registry };
  const message = create(input);
  if (body !== "") mergeFromJsonString(input, message, bodyJson(binding, body), options);
  const inPath = pathToJson(binding, values);
  if (body !== "")
    checkAgreement(toJson(input, message, options), toJson(input, fromJson(input, inPath.json), options));
  mergeFromJson(input, message, inPath.json, options);
  mergeFromJson(
    input,
    message,
    queryToJson(input, query, (path) => inPath.has(path) || inBody(binding, path)),
    options,
  );
  return message;
}

/** The body as JSON of the whole request. */
function bodyJson({ body: part }: HttpBinding, body: string): string {
  if (part === "all") return body;
  if (part === "none") throw new Error("this call takes no body: send its fields in the query");
  // Read by itself first: a text that closes the object early must not reach other fields.
  JSON.parse(body);
  return `{${JSON.stringify(part.jsonName)}:${body}}`;
}

const inBody = ({ body }: HttpBinding, path: readonly string[]): boolean =>
  body === "all" || (body !== "none" && path[0] === body.jsonName);

function pathToJson(
  { rpc }: HttpBinding,
  values: RequestParts["values"],
): { json: JsonObject; has(path: readonly string[]): boolean } {
  const json: JsonObject = {};
  const taken = new Set<string>();
  for (const [names, text] of values) {
    const field = fieldNamed(rpc.input, names);
    if (field === undefined) throw new Error(`${names.join(".")} in the path is no field of the request`);
    const path = jsonPath(rpc.input, names);
    taken.add(path.join("."));
    try {
      setAt(json, path, false, textToJson(field, text));
    } catch (err) {
      throw new Error(`${names.join(".")} in the path: ${(err as Error).message}`, { cause: err });
    }
  }
  return { json, has: (path) => taken.has(path.join(".")) };
}

function checkAgreement(body: JsonValue, path: JsonValue, at: readonly string[] = []): void {
  if (!isJsonObject(body) || !isJsonObject(path)) {
    if (body !== path) throw new Error(`${at.join(".")} in the body differs from the one in the path`);
    return;
  }
  for (const [name, value] of Object.entries(path)) {
    const other = body[name];
    if (other !== undefined && value !== undefined) checkAgreement(other, value, [...at, name]);
  }
}
