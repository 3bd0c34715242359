import { isIP } from "node:net";
import { type CelInput, celUint } from "@bufbuild/cel";
import { create } from "@bufbuild/protobuf";
import { DurationSchema, TimestampSchema, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { JsonValue } from "../relationship/relationship.ts";
import type { ParameterType } from "./condition.ts";

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const uint64 = { min: 0n, max: 2n ** 64n - 1n };
const unitSeconds: Record<string, number> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** Turns JSON into the CEL value of a parameter's type; throws Error with what was expected. */
export function toParameterValue(type: ParameterType, value: JsonValue): CelInput {
  switch (type.name) {
    case "bool":
      return expect(typeof value === "boolean", value, "true or false") as boolean;
    case "string":
      return expect(typeof value === "string", value, "text") as string;
    case "double":
      return expect(typeof value === "number" && Number.isFinite(value), value, "a number") as number;
    case "int":
      return toInteger(value, int64.min, int64.max);
    case "uint":
      return celUint(toInteger(value, uint64.min, uint64.max));
    case "duration":
      return toDuration(value);
    case "timestamp":
      return toTimestamp(value);
    case "ipaddress":
      return expect(typeof value === "string" && isIP(value) !== 0, value, "an IP address") as string;
    case "list":
      return (expect(Array.isArray(value), value, "a list") as JsonValue[]).map((part) => element(type, part));
    case "map":
      expect(value !== null && typeof value === "object" && !Array.isArray(value), value, "an object");
      return new Map(Object.entries(value as object).map(([key, part]) => [key, element(type, part)]));
    case "any":
      return toAny(value);
  }
}

const element = (type: ParameterType, value: JsonValue): CelInput =>
  toParameterValue(type.element ?? { name: "any", element: undefined }, value);

function toAny(value: JsonValue): CelInput {
  if (Array.isArray(value)) return value.map(toAny);
  if (value !== null && typeof value === "object")
    return new Map(Object.entries(value).map(([key, part]) => [key, toAny(part)]));
  return value as null | boolean | number | string;
}

/** JSON numbers are doubles: beyond 2^53 an integer must come as text, or it would not be the one that was meant. */
function toInteger(value: JsonValue, min: bigint, max: bigint): bigint {
  const exact =
    (typeof value === "number" && Number.isSafeInteger(value)) ||
    (typeof value === "string" && /^-?\d{1,20}$/.test(value));
  const number = exact ? BigInt(value as number | string) : undefined;
  if (number === undefined || number < min || number > max)
    throw new Error(`must be a whole number from ${min} to ${max}, as text beyond 2^53`);
  return number;
}

function toDuration(value: JsonValue): CelInput {
  const valid = typeof value === "string" && /^-?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(value);
  const text = expect(valid, value, 'a duration such as "1h30m" or "250ms"') as string;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    seconds += Number(amount) * (unitSeconds[unit as string] as number);
  if (text.startsWith("-")) seconds = -seconds;
  expect(Math.abs(seconds) <= 315_576_000_000, value, "at most 10000 years");
  const whole = Math.trunc(seconds);
  return create(DurationSchema, { seconds: BigInt(whole), nanos: Math.round((seconds - whole) * 1e9) });
}

function toTimestamp(value: JsonValue): CelInput {
  const match =
    typeof value === "string" && /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(value);
  const ms = match ? Date.parse(`${match[1]}${match[3]}`) : Number.NaN;
  if (!match || Number.isNaN(ms)) throw new Error('must be a time such as "2026-01-31T12:00:00Z" (RFC 3339)');
  return create(TimestampSchema, { ...timestampFromMs(ms), nanos: Number((match[2] ?? "").padEnd(9, "0")) });
}

function expect(holds: boolean, value: JsonValue, expected: string): JsonValue {
  if (!holds) throw new Error(`must be ${expected}`);
  return value;
}
