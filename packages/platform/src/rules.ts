import { type CelInput, celEnv, isCelError, parse, plan } from "@bufbuild/cel";
import { strings } from "@bufbuild/cel/ext";
import type { Finding, Path } from "./problem.ts";
import type { CelRule, Schema } from "./schema/schema.ts";

type Evaluate = (self: CelInput, oldSelf: CelInput) => boolean;

/**
 * Evaluates the schema's CEL rules and its list types (`set`, `map`) as an API server does. Rules that name `oldSelf`
 * run only where both values have the place (transition rules).
 */
export function ruleChecker(
  schema: Schema,
): (value: unknown, old: unknown, skip: (path: Path) => boolean) => Finding[] {
  const compiled = new Map<CelRule, Evaluate>();
  compileAll(schema, compiled);
  return (value, old, skip) => {
    const findings: Finding[] = [];
    walk(schema, value, old, [], (path, node, self, oldSelf) => {
      if (!skip(path)) findings.push(...duplicates(node, self, path));
      for (const rule of node["x-kubernetes-validations"] ?? []) {
        if (isTransition(rule) && oldSelf === undefined) continue;
        const fields = fieldsOf(rule).map((field) => [...path, ...field]);
        if (fields.some(skip)) continue;
        const passes = compiled.get(rule)?.(toCel(node, self), toCel(node, oldSelf ?? null));
        if (!passes) findings.push({ path, message: rule.message, ...(fields[0] ? { shownAt: fields[0] } : {}) });
      }
    });
    return findings;
  };
}

const isTransition = (rule: CelRule): boolean => /\boldSelf\b/.test(rule.rule);

/** The fields that a rule reads, relative to its place: `self.min <= self.max` reads min and max, `self == 1` the place. */
function fieldsOf(rule: CelRule): Path[] {
  return [...rule.rule.matchAll(/\bself\b((?:[.][A-Za-z]\w*(?![\w(]))*)/g)].map((match) =>
    (match[1] ?? "").split(".").filter(Boolean),
  );
}

function compileAll(schema: Schema, compiled: Map<CelRule, Evaluate>): void {
  for (const rule of schema["x-kubernetes-validations"] ?? []) compiled.set(rule, compile(rule));
  for (const child of Object.values(schema.properties ?? {})) compileAll(child, compiled);
  if (schema.additionalProperties) compileAll(schema.additionalProperties, compiled);
  if (schema.items) compileAll(schema.items, compiled);
}

function compile(rule: CelRule): Evaluate {
  const evaluate = plan(celEnv({ funcs: strings }), parse(rule.rule));
  return (self, oldSelf) => {
    const result = evaluate({ self, oldSelf });
    // A rule that cannot be evaluated fails, as it does in an API server.
    return !isCelError(result) && result === true;
  };
}

type Visit = (path: Path, schema: Schema, self: unknown, oldSelf: unknown) => void;

function walk(schema: Schema, value: unknown, old: unknown, path: Path, visit: Visit): void {
  if (value === undefined || value === null) return;
  visit(path, schema, value, old);
  if (Array.isArray(value)) {
    // Entries have no identity across versions, so nothing below a list is compared with its old value.
    if (schema.items) for (const [i, item] of value.entries()) walk(schema.items, item, undefined, [...path, i], visit);
    return;
  }
  if (typeof value !== "object") return;
  const before = typeof old === "object" && old !== null ? (old as Record<string, unknown>) : {};
  for (const [name, item] of Object.entries(value)) {
    const child = schema.properties?.[name] ?? schema.additionalProperties;
    if (child) walk(child, item, before[name], [...path, name], visit);
  }
}

/** Whole numbers are `int` in CEL, for which the evaluator wants bigint. */
function toCel(schema: Schema, value: unknown): CelInput {
  if (Array.isArray(value)) return value.map((item) => toCel(schema.items ?? {}, item));
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([name, item]): [string, CelInput] => [
      name,
      toCel(schema.properties?.[name] ?? schema.additionalProperties ?? {}, item),
    ]);
    return new Map(entries);
  }
  if (typeof value === "number" && Number.isInteger(value)) return BigInt(value);
  return value as CelInput;
}

function duplicates(schema: Schema, value: unknown, path: Path): Finding[] {
  const type = schema["x-kubernetes-list-type"];
  if (!Array.isArray(value) || (type !== "set" && type !== "map")) return [];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const seen = new Map<string, number>();
  const findings: Finding[] = [];
  for (const [index, item] of value.entries()) {
    const identity = type === "set" ? [item] : keys.map((key) => keyOf(schema, item, key));
    const text = JSON.stringify(identity);
    const first = seen.get(text);
    if (first === undefined) seen.set(text, index);
    else
      findings.push({
        path: [...path, index],
        message: `repeats entry ${first} (${type === "set" ? String(item) : keys.map((key, i) => `${key} ${String(identity[i])}`).join(", ")}); remove one`,
      });
  }
  return findings;
}

function keyOf(schema: Schema, item: unknown, key: string): unknown {
  const own = typeof item === "object" && item !== null ? (item as Record<string, unknown>)[key] : undefined;
  return own ?? schema.items?.properties?.[key]?.default;
}
