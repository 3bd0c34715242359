import { type DescEnum, type DescField, getOption, hasOption, type JsonObject, toJson } from "@bufbuild/protobuf";
import { FieldRulesSchema, field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { isJsonObject } from "../json-object.ts";

/** What the rules of a field say, as far as JSON Schema (draft 2020-12) has words for it, and the rest in English. */
export interface RuleKeywords {
  keywords: JsonObject;
  notes: readonly string[];
}

/** Rules as ProtoJSON: of `buf.validate.FieldRules`, only what was set. */
type Rules = JsonObject;

/** The `buf.validate.field` option of a field; empty when it has none. */
export const rulesOf = (field: DescField): Rules =>
  hasOption(field, fieldRules) ? (toJson(FieldRulesSchema, getOption(field, fieldRules)) as JsonObject) : {};

/**
 * Keywords for a value of the field's type, or for each value of a list or map. A rule that lets the zero value pass
 * (`IGNORE_IF_ZERO_VALUE`) is written as if it did not: leaving the field out is how to say it.
 */
export function ruleKeywords(rules: Rules, enumeration?: DescEnum): RuleKeywords {
  if (rules["ignore"] === "IGNORE_ALWAYS") return { keywords: {}, notes: [] };
  const keywords: JsonObject = {};
  const notes: string[] = celNotes(rules);
  for (const [kind, value] of Object.entries(rules)) {
    if (!isJsonObject(value)) continue;
    if (kind === "string") stringKeywords(value, keywords, notes);
    else if (kind === "bytes") bytesKeywords(value, keywords);
    else if (kind === "enum" && enumeration) enumKeywords(value, enumeration, keywords);
    else if (kind === "repeated") listKeywords(value, keywords);
    else if (kind === "map") mapKeywords(value, keywords);
    else if (kind === "bool") copy(value, keywords, { const: "const" });
    else if (kind === "any") typeUrlNotes(value, notes);
    else if (/^(float|double|[su]?(int|fixed)(32|64)|sfixed(32|64))$/.test(kind))
      numberKeywords(kind, value, keywords, notes);
    else if (kind === "duration" || kind === "timestamp") timeNotes(value, notes);
  }
  return { keywords, notes };
}

/** Rules of a list's items, or of a map's keys or values. */
export const innerRules = (rules: Rules, part: "items" | "keys" | "values"): Rules => {
  const outer = rules[part === "items" ? "repeated" : "map"];
  const inner = isJsonObject(outer) ? outer[part] : undefined;
  return isJsonObject(inner) ? inner : {};
};

const uuidPattern = "^[0-9a-fA-F]{32}$";
const ulidPattern = "^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$";

/** Formats of JSON Schema, patterns, or words for what `buf.validate` knows by name. */
const wellKnown: Readonly<Record<string, JsonObject | string>> = {
  email: { format: "email" },
  hostname: { format: "hostname" },
  ipv4: { format: "ipv4" },
  ipv6: { format: "ipv6" },
  ip: { anyOf: [{ format: "ipv4" }, { format: "ipv6" }] },
  uri: { format: "uri" },
  uriRef: { format: "uri-reference" },
  uuid: { format: "uuid" },
  tuuid: { pattern: uuidPattern },
  ulid: { pattern: ulidPattern },
  address: "A host name or an IP address.",
  ipWithPrefixlen: "An IP address with a prefix length.",
  ipv4WithPrefixlen: "An IPv4 address with a prefix length.",
  ipv6WithPrefixlen: "An IPv6 address with a prefix length.",
  ipPrefix: "An IP network.",
  ipv4Prefix: "An IPv4 network.",
  ipv6Prefix: "An IPv6 network.",
  hostAndPort: "A host and a port.",
  protobufFqn: "A full name of protobuf.",
  protobufDotFqn: "A full name of protobuf with a leading dot.",
  wellKnownRegex: "A name or value of an HTTP header.",
};

function stringKeywords(rules: Rules, keywords: JsonObject, notes: string[]): void {
  const patterns: string[] = [];
  // Characters take 1 to 4 bytes: these bounds follow from those in bytes.
  copyNumber(rules["minBytes"], (bytes) => setIn(keywords, "minLength", Math.ceil(bytes / 4)));
  copyNumber(rules["maxBytes"], (bytes) => {
    keywords["maxLength"] = bytes;
    notes.push(`At most ${bytes} bytes.`);
  });
  copyNumber(rules["minLen"], (length) => setIn(keywords, "minLength", length));
  copyNumber(rules["maxLen"], (length) => setIn(keywords, "maxLength", length));
  copyNumber(rules["len"], (length) => Object.assign(keywords, { minLength: length, maxLength: length }));
  copyNumber(rules["lenBytes"], (bytes) => notes.push(`Exactly ${bytes} bytes.`));
  copy(rules, keywords, { const: "const", in: "enum" });
  if (rules["notIn"] !== undefined) keywords["not"] = { enum: rules["notIn"] };
  if (typeof rules["pattern"] === "string") {
    // RE2 knows a few things that JSON Schema's dialect (ECMA-262) does not.
    if (isPattern(rules["pattern"])) patterns.push(rules["pattern"]);
    else notes.push(`Matches ${rules["pattern"]} (RE2).`);
  }
  if (typeof rules["prefix"] === "string") patterns.push(`^${escaped(rules["prefix"])}`);
  if (typeof rules["suffix"] === "string") patterns.push(`${escaped(rules["suffix"])}$`);
  if (typeof rules["contains"] === "string") patterns.push(escaped(rules["contains"]));
  if (typeof rules["notContains"] === "string") notes.push(`Does not contain ${JSON.stringify(rules["notContains"])}.`);
  for (const [name, known] of Object.entries(wellKnown)) {
    if (rules[name] === undefined || rules[name] === false) continue;
    if (typeof known === "string") notes.push(known);
    else if (typeof known["pattern"] === "string") patterns.push(known["pattern"]);
    else Object.assign(keywords, known);
  }
  if (patterns.length === 1) keywords["pattern"] = patterns[0] as string;
  else if (patterns.length > 1) keywords["allOf"] = patterns.map((pattern) => ({ pattern }));
}

/** Lengths of base64 with its padding, as ProtoJSON writes bytes. */
function bytesKeywords(rules: Rules, keywords: JsonObject): void {
  const encoded = (bytes: number): number => Math.ceil(bytes / 3) * 4;
  // Without the padding, which may be left out in what is sent.
  const encodedMin = (bytes: number): number => Math.ceil((bytes * 4) / 3);
  copyNumber(rules["minLen"], (bytes) => setIn(keywords, "minLength", encodedMin(bytes)));
  copyNumber(rules["maxLen"], (bytes) => setIn(keywords, "maxLength", encoded(bytes)));
  copyNumber(rules["len"], (bytes) =>
    Object.assign(keywords, { minLength: encodedMin(bytes), maxLength: encoded(bytes) }),
  );
  copy(rules, keywords, { const: "const", in: "enum" });
}

/** `defined_only` says nothing more: the enum's own schema has its names and no others. */
function enumKeywords(rules: Rules, { values }: DescEnum, keywords: JsonObject): void {
  const names = (numbers: unknown): string[] =>
    [numbers].flat().flatMap((number) => values.find((one) => one.number === number)?.name ?? []);
  if (rules["const"] !== undefined) keywords["const"] = names(rules["const"])[0] ?? null;
  if (rules["in"] !== undefined) keywords["enum"] = names(rules["in"]);
  if (rules["notIn"] !== undefined) keywords["not"] = { enum: names(rules["notIn"]) };
}

function listKeywords(rules: Rules, keywords: JsonObject): void {
  copyNumber(rules["minItems"], (count) => setIn(keywords, "minItems", count));
  copyNumber(rules["maxItems"], (count) => setIn(keywords, "maxItems", count));
  if (rules["unique"] === true) keywords["uniqueItems"] = true;
}

function mapKeywords(rules: Rules, keywords: JsonObject): void {
  copyNumber(rules["minPairs"], (count) => setIn(keywords, "minProperties", count));
  copyNumber(rules["maxPairs"], (count) => setIn(keywords, "maxProperties", count));
}

const bounds = [
  ["gt", "exclusiveMinimum", "More than"],
  ["gte", "minimum", "At least"],
  ["lt", "exclusiveMaximum", "Less than"],
  ["lte", "maximum", "At most"],
] as const;

/** Integers of 64 bits are strings in JSON: their bounds can only be told in words. */
function numberKeywords(kind: string, rules: Rules, keywords: JsonObject, notes: string[]): void {
  const isText = kind.endsWith("64");
  // A lower bound above the upper one stands for everything outside of them.
  const low = Number(rules["gt"] ?? rules["gte"] ?? Number.NEGATIVE_INFINITY);
  const high = Number(rules["lt"] ?? rules["lte"] ?? Number.POSITIVE_INFINITY);
  if (low > high) notes.push(`Not between ${high} and ${low}.`);
  for (const [rule, keyword, words] of bounds) {
    const value = rules[rule];
    if (value === undefined || low > high) continue;
    if (isText) notes.push(`${words} ${value}.`);
    else setIn(keywords, keyword, Number(value));
  }
  copy(rules, keywords, { const: "const", in: "enum" });
  if (rules["notIn"] !== undefined) keywords["not"] = { enum: rules["notIn"] };
}

function timeNotes(rules: Rules, notes: string[]): void {
  const words: Record<string, string> = { gt: "More than", gte: "At least", lt: "Less than", lte: "At most" };
  for (const [rule, word] of Object.entries(words))
    if (rules[rule] !== undefined) notes.push(`${word} ${rules[rule]}.`);
  if (rules["within"] !== undefined) notes.push(`Within ${rules["within"]} of now.`);
  if (rules["ltNow"] === true) notes.push("In the past.");
  if (rules["gtNow"] === true) notes.push("In the future.");
  if (rules["const"] !== undefined) notes.push(`Always ${rules["const"]}.`);
}

function typeUrlNotes(rules: Rules, notes: string[]): void {
  if (Array.isArray(rules["in"])) notes.push(`Of the types ${rules["in"].join(", ")}.`);
}

/** Rules in CEL have a message for people, or say it themselves. */
export const celNotes = (rules: Rules): string[] => [
  ...[rules["cel"] ?? []]
    .flat()
    .flatMap((rule) => (isJsonObject(rule) ? [`${rule["message"] || rule["expression"]}`] : [])),
  ...[rules["celExpression"] ?? []].flat().map(String),
];

function copy(rules: Rules, keywords: JsonObject, names: Record<string, string>): void {
  for (const [from, to] of Object.entries(names)) if (rules[from] !== undefined) keywords[to] = rules[from];
}

/** Counts are 64-bit integers, which ProtoJSON writes as strings. */
function copyNumber(value: unknown, take: (count: number) => unknown): void {
  if (value !== undefined) take(Number(value));
}

function setIn(keywords: JsonObject, name: string, value: number): void {
  // 0 as a lower limit says nothing.
  if (value !== 0 || !/^min(Length|Items|Properties)$/.test(name)) keywords[name] = value;
}

function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern, "u");
    return true;
  } catch {
    return false;
  }
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
