import { createHash } from "node:crypto";

/** Ten hexadecimal digits that change with the content and not with the order of its fields. For names and annotations. */
export function contentHash(content: unknown): string {
  return createHash("sha256").update(canonical(content)).digest("hex").slice(0, 10);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(",")}}`;
}
