import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { listAt, objectAt, textAt } from "./html.ts";
import { sampleOf } from "./sample.ts";

/** Stands for where the page was read from until that is known. */
export const originMark = "\u0000origin\u0000";

export interface ExampleOptions {
  method: string;
  path: string;
  operation: JsonObject;
  /** Of the path and the operation, without references. */
  parameters: readonly JsonObject[];
  schemas: JsonObject;
}

/** A command that makes the call with made-up values of what it cannot do without; the token is in $TOKEN. */
export function curlExample({ method, path, operation, parameters, schemas }: ExampleOptions): string {
  const sampleText = (parameter: JsonObject): string => {
    const sample = sampleOf(objectAt(parameter["schema"]), schemas);
    return encodeURIComponent(plain(Array.isArray(sample) ? (sample[0] ?? "") : sample));
  };
  const filled = path.replace(/\{([^}]*)\}/g, (_, name: string) => {
    const found = parameters.find((one) => one["in"] === "path" && one["name"] === name);
    return found === undefined ? "text" : sampleText(found);
  });
  const query = parameters
    .filter((one) => one["in"] === "query" && one["required"] === true)
    .map((one) => `${encodeURIComponent(textAt(one["name"]))}=${sampleText(one)}`);
  const lines = [`curl -sS ${method === "get" ? "" : `-X ${method.toUpperCase()} `}`];
  lines[0] += quoted(`${originMark}${filled}${query.length > 0 ? `?${query.join("&")}` : ""}`);
  if (listAt(operation["security"]).length > 0) lines.push('-H "authorization: Bearer $TOKEN"');
  const body = objectAt(objectAt(objectAt(operation["requestBody"])["content"])["application/json"])["schema"];
  if (body !== undefined) {
    lines.push("-H 'content-type: application/json'");
    lines.push(`-d ${quoted(JSON.stringify(sampleOf(objectAt(body), schemas)))}`);
  }
  return lines.join(" \\\n  ");
}

const plain = (value: JsonValue): string => (typeof value === "string" ? value : JSON.stringify(value));

/** One word for a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
