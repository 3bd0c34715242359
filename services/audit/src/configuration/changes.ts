import { isDeepStrictEqual } from "node:util";

/** One part of a configuration, as JSON. */
export type Values = Record<string, unknown>;

export interface Change {
  kind: "added" | "changed" | "removed";
  name: string;
  /** Of what was changed, only the values that differ; of what was added or removed, all of them. */
  before?: Values;
  after?: Values;
}

/** What became of a configuration, item by item. */
export function changesBetween(before: ReadonlyMap<string, Values>, after: ReadonlyMap<string, Values>): Change[] {
  const changes: Change[] = [];
  for (const [name, values] of after) {
    const earlier = before.get(name);
    if (earlier === undefined) changes.push({ kind: "added", name, after: values });
    else if (!isDeepStrictEqual(earlier, values)) {
      changes.push({ kind: "changed", name, before: differing(earlier, values), after: differing(values, earlier) });
    }
  }
  for (const [name, values] of before) if (!after.has(name)) changes.push({ kind: "removed", name, before: values });
  return changes;
}

/** Values that the other has not, or has otherwise. */
const differing = (values: Values, other: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([key, value]) => !isDeepStrictEqual(value, other[key])));
