import { hash } from "node:crypto";

/** Ten hexadecimal digits that change with the content and not with the order of its fields. For names and annotations. */
export function contentHash(content: unknown): string {
  return hash("sha256", canonical(content)).slice(0, 10);
}

/** JSON with the fields of objects in order of their names; undefined ones are left out, in lists they are null. */
function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const fields = value as Record<string, unknown>;
  let text = "";
  for (const name of Object.keys(fields).sort()) {
    if (fields[name] !== undefined) text += `${text && ","}${JSON.stringify(name)}:${canonical(fields[name])}`;
  }
  return `{${text}}`;
}

/** Whether two values have the same content hash, without hashing. */
export function sameContent(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return (a ?? null) === (b ?? null);
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b)) return false;
    return a.length === b.length && a.every((item, i) => sameContent(item, b[i]));
  }
  const [left, right] = [a, b] as [Record<string, unknown>, Record<string, unknown>];
  const stated = (fields: Record<string, unknown>): string[] =>
    Object.keys(fields).filter((name) => fields[name] !== undefined);
  const names = stated(left);
  return (
    names.length === stated(right).length &&
    names.every((name) => right[name] !== undefined && sameContent(left[name], right[name]))
  );
}
