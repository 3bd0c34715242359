import { stringify } from "yaml";
import { isGroup, type Value, type ValueGroup, type ValueSchema } from "./value.ts";

const generated = "Generated from tools/chart/values.ts by `npm run generate`. Do not edit.";

/** values.yaml: every value with its default under what it means. */
export function valuesYaml(values: ValueGroup): string {
  return [`# ${generated}`, ...lines(values, "")].join("\n").concat("\n");
}

function lines(entries: ValueGroup, indent: string): string[] {
  return Object.entries(entries.values).flatMap(([name, entry]) => {
    const comment = `${indent}# ${entry.doc}.`;
    if (isGroup(entry)) return [comment, `${indent}${name}:`, ...lines(entry, `${indent}  `)];
    const text = stringify({ [name]: entry.fallback }, { lineWidth: 0, defaultStringType: "PLAIN" }).trimEnd();
    return [comment, ...text.split("\n").map((line) => `${indent}${line}`)];
  });
}

/** values.schema.json: Helm refuses what it does not know. */
export function valuesSchema(values: ValueGroup): string {
  const schema = { $schema: "http://json-schema.org/draft-07/schema#", $comment: generated, ...schemaOf(values) };
  // What Helm adds by itself.
  schema.properties = { ...schema.properties, global: { type: "object" } };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function schemaOf(entry: Value | ValueGroup): ValueSchema {
  if (!isGroup(entry)) return { description: entry.doc, ...entry.schema };
  const properties = Object.fromEntries(Object.entries(entry.values).map(([name, value]) => [name, schemaOf(value)]));
  return { ...(entry.doc ? { description: entry.doc } : {}), type: "object", additionalProperties: false, properties };
}

/** The table of the chart's README. */
export function valuesTable(values: ValueGroup): string {
  return ["| value | default | meaning |", "|---|---|---|", ...rows(values, "")].join("\n");
}

function rows(entries: ValueGroup, prefix: string): string[] {
  return Object.entries(entries.values).flatMap(([name, entry]) => {
    const full = `${prefix}${name}`;
    if (isGroup(entry)) return rows(entry, `${full}.`);
    return [`| \`${full}\` | ${cell(entry.fallback)} | ${entry.doc.replaceAll("|", "\\|")} |`];
  });
}

function cell(value: unknown): string {
  const empty = value === "" || JSON.stringify(value) === "{}" || JSON.stringify(value) === "[]";
  return empty ? "" : `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}
