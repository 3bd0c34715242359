import { normalisePath } from "../data/normalise-path.ts";
import type { Authentication, CorsPolicy, RateLimitPolicy, Route } from "../data/route.ts";
import type { FieldReader } from "./read-field.ts";

/** What a rule gets that says nothing. */
export const ruleDefaults = {
  timeoutMs: 30_000,
  idleTimeoutMs: 300_000,
  /** 10 MiB. */
  maxBodyBytes: 10 * 1024 * 1024,
} as const;

const day = 86_400_000;

/** Compiles one entry of `spec.route.rules`; undefined when not even its path can be told. */
export function compileRule(
  reader: FieldReader,
  service: string,
  index: number,
  value: unknown,
  cors: CorsPolicy | undefined,
): Omit<Route, "hostname"> | undefined {
  const field = `spec.route.rules[${index}]`;
  const rule = reader.record(value, field);
  const path = rule && reader.text(rule["path"], `${field}.path`);
  if (rule === undefined || path === undefined) return undefined;
  const normalised = normalisePath(path);
  if (!normalised.ok || normalised.path !== path) {
    reader.report(`${field}.path`, normalised.ok ? `must be written as ${normalised.path}` : normalised.problem);
    return undefined;
  }
  const before = reader.problems.length;
  const pathType = reader.oneOf(rule["pathType"], `${field}.pathType`, ["Prefix", "Exact"], "Prefix");
  const id = `${service}/${index}`;
  const names = { rule: id, shared: (name: string) => `${service}.${name}` };
  const rateLimit = compileRateLimit(reader, names, `${field}.rateLimit`, rule["rateLimit"]);
  const compiled = {
    id,
    service,
    pathType,
    path: pathType === "Prefix" ? path.replace(/\/$/, "") : path,
    authentication: reader.oneOf<Authentication>(
      rule["authentication"],
      `${field}.authentication`,
      ["None", "Optional", "Required"],
      "Required",
    ),
    ...(rateLimit ? { rateLimit } : {}),
    timeoutMs: reader.durationMs(rule["timeout"], `${field}.timeout`, {
      fallback: ruleDefaults.timeoutMs,
      min: 1,
      max: day,
    }),
    idleTimeoutMs: reader.durationMs(rule["idleTimeout"], `${field}.idleTimeout`, {
      fallback: ruleDefaults.idleTimeoutMs,
      min: 1,
      max: day,
    }),
    maxBodyBytes: reader.count(rule["maxBodyBytes"], `${field}.maxBodyBytes`, {
      fallback: ruleDefaults.maxBodyBytes,
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
    }),
    websocket: reader.flag(rule["websocket"], `${field}.websocket`, true),
    ...(cors ? { cors } : {}),
  };
  const problem = reader.problems[before];
  return problem ? { ...compiled, invalid: `${problem.field} ${problem.message}` } : compiled;
}

/** What rate limits are counted under. */
export interface RateLimitNames {
  /** A rule's own. */
  rule: string;
  /** That of all rules which give this name. */
  shared(name: string): string;
}

export function compileRateLimit(
  reader: FieldReader,
  names: RateLimitNames,
  field: string,
  value: unknown,
): RateLimitPolicy | undefined {
  if (value === undefined) return undefined;
  const limit = reader.record(value, field);
  if (limit === undefined) return undefined;
  if (limit["requests"] === undefined) reader.report(`${field}.requests`, "is required");
  const numbers = {
    requests: reader.count(limit["requests"], `${field}.requests`, { fallback: 1, min: 1, max: 1_000_000 }),
    perMs: reader.durationMs(limit["per"], `${field}.per`, { fallback: 1000, min: 1000, max: day }),
    key: reader.oneOf(limit["key"], `${field}.key`, ["Principal", "Address"], "Principal"),
  };
  const name = limit["name"] === undefined ? undefined : reader.text(limit["name"], `${field}.name`);
  if (name === undefined) return { id: names.rule, ...numbers };
  // The same name with other numbers is a mistake, and counts for itself.
  const { requests, perMs, key } = numbers;
  return { id: `${names.shared(name)} ${requests}/${perMs} ${key}`, ...numbers };
}
