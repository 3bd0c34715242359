import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { didYouMean } from "./did-you-mean.ts";
import type { Finding, Path } from "./problem.ts";
import type { Schema } from "./schema/schema.ts";

/** Checks types, required and unknown fields, ranges and enums; what Kubernetes calls structural validation. */
export function structureChecker(schema: Schema): (value: unknown) => Finding[] {
  const check: ValidateFunction = new Ajv({ allErrors: true, verbose: true, strict: false }).compile(strictly(schema));
  return (value) => (check(value) ? [] : (check.errors ?? []).flatMap((error) => toFinding(error, value)));
}

/** The JSON Schema that refuses unknown fields (Kubernetes drops them silently unless asked). */
function strictly(schema: Schema): object {
  const { properties, additionalProperties, items, format, default: _, ...rest } = schema;
  const result: Record<string, unknown> = Object.fromEntries(
    Object.entries(rest).filter(([key]) => !key.startsWith("x-") && key !== "description"),
  );
  if (properties) {
    result["properties"] = Object.fromEntries(Object.entries(properties).map(([name, s]) => [name, strictly(s)]));
    result["additionalProperties"] = false;
  }
  if (additionalProperties) result["additionalProperties"] = strictly(additionalProperties);
  if (items) result["items"] = strictly(items);
  if (schema["x-kubernetes-int-or-string"]) result["type"] = ["integer", "string"];
  return result;
}

function toFinding(error: ErrorObject, root: unknown): Finding[] {
  const path = toPath(error.instancePath, root);
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case "required":
      return [{ path: [...path, String(params["missingProperty"])], shownAt: path, message: "is required" }];
    case "additionalProperties":
      return [unknownField(path, String(params["additionalProperty"]), error.parentSchema)];
    case "enum":
      return [{ path, message: enumMessage(error.data, params["allowedValues"] as string[]) }];
    case "type":
      return [{ path, message: typeMessage(error.data, params["type"] as string | string[]) }];
    case "minimum":
      return [{ path, message: `must be at least ${params["limit"]} (it is ${String(error.data)})` }];
    case "maximum":
      return [{ path, message: `must be at most ${params["limit"]} (it is ${String(error.data)})` }];
    case "minLength":
      return [{ path, message: "must not be empty" }];
    case "maxLength":
      return [{ path, message: `must have at most ${params["limit"]} characters` }];
    case "minItems":
      return [{ path, message: "must have at least one entry" }];
    case "maxItems":
    case "maxProperties":
      return [{ path, message: `must have at most ${params["limit"]} entries` }];
    default:
      return [{ path, message: error.message ?? "is not valid" }];
  }
}

function unknownField(path: Path, name: string, parent: ErrorObject["parentSchema"]): Finding {
  const known = Object.keys((parent?.["properties"] as object | undefined) ?? {});
  const meant = didYouMean(name, known);
  const hint = meant === undefined ? `known fields are ${known.join(", ")}` : `did you mean ${meant}?`;
  return { path: [...path, name], atKey: true, message: `is not a known field; ${hint}` };
}

function enumMessage(value: unknown, allowed: string[]): string {
  const meant = typeof value === "string" ? didYouMean(value, allowed) : undefined;
  const list = allowed.length === 1 ? String(allowed[0]) : `one of ${allowed.join(", ")}`;
  return `must be ${list}${meant === undefined || allowed.length === 1 ? "" : `; did you mean ${meant}?`}`;
}

const words: Record<string, string> = {
  object: "a map of fields",
  array: "a list",
  string: "a text",
  integer: "a whole number",
  boolean: "true or false",
};

function typeMessage(value: unknown, type: string | string[]): string {
  const wanted = [type].flat();
  const list = wanted.map((t) => words[t] ?? t).join(" or ");
  if (value === null) return `is empty; give it ${list} or remove the line`;
  const quote = wanted.includes("string") && typeof value !== "object" ? `; put quotes around ${String(value)}` : "";
  return `must be ${list}${quote}`;
}

/** A JSON Pointer as a path; segments that index an array become numbers. */
function toPath(pointer: string, root: unknown): Path {
  const path: (string | number)[] = [];
  let value = root;
  for (const segment of pointer.split("/").slice(1)) {
    const name = segment.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(value) ? Number(name) : name);
    value = (value as Record<string, unknown>)[name];
  }
  return path;
}
