import type { DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { fieldNamed, isLeaf } from "./message-fields.ts";
import { textToJson } from "./text-to-json.ts";

/** Sets a value at a path of JSON names; a list takes another one. Throws Error when a single value is set twice. */
export function setAt(tree: JsonObject, path: readonly string[], list: boolean, value: JsonValue): void {
  let at = tree;
  for (const name of path.slice(0, -1)) {
    at[name] ??= {};
    at = at[name] as JsonObject;
  }
  const last = path.at(-1) as string;
  if (list) {
    at[last] ??= [];
    (at[last] as JsonValue[]).push(value);
  } else if (Object.hasOwn(at, last)) throw new Error("it is given twice");
  else at[last] = value;
}

/** JSON names of a path of proto or JSON names. The fields are known to exist. */
export function jsonPath(message: DescMessage, path: readonly string[]): string[] {
  return path.map((_, i) => fieldNamed(message, path.slice(0, i + 1))?.jsonName ?? "");
}

/**
 * The fields that a query sets, as ProtoJSON. Keys are field paths (`filter.email`), in proto or JSON names; a list's key
 * comes once for each item. `taken` says which fields the path and the body hold: they cannot be here as well. Throws Error
 * that names the key.
 */
export function queryToJson(
  message: DescMessage,
  query: string,
  taken: (path: readonly string[]) => boolean,
): JsonObject {
  const tree: JsonObject = {};
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const key = decodePart(equals === -1 ? pair : pair.slice(0, equals));
    const value = decodePart(equals === -1 ? "" : pair.slice(equals + 1));
    const names = key.split(".");
    const field = fieldNamed(message, names);
    if (field === undefined) throw new Error(`the query's ${quoted(key)} is no field of the request`);
    const path = jsonPath(message, names);
    if (taken(path)) throw new Error(`${quoted(key)} cannot stand in the query: the path or the body holds it`);
    if (!isLeaf(field))
      throw new Error(`the query's ${quoted(key)} is not a single value: give its fields, or use a body`);
    try {
      setAt(tree, path, field.fieldKind === "list", textToJson(field, value));
    } catch (err) {
      throw new Error(`the query's ${quoted(key)}: ${(err as Error).message}`, { cause: err });
    }
  }
  return tree;
}

/** At most this much of what came is repeated in an error. */
const quotedCharsMax = 64;

const quoted = (text: string): string => JSON.stringify(text.slice(0, quotedCharsMax));

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new Error("the query has a broken percent-encoding");
  }
}
