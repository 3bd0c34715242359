import type { TypeDefinition } from "./model.ts";
import { rewriteNodes } from "./rewrite.ts";

/**
 * A circle of relations of one type that refer to each other without a relationship in between ("a: [user] or b",
 * "b: a"). Such a definition says nothing and would cost every check a step per turn.
 */
export function findComputedCycle(type: TypeDefinition): string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string[] | undefined => {
    const start = path.indexOf(name);
    if (start >= 0) return [...path.slice(start), name];
    const relation = type.relations.get(name);
    if (done.has(name) || !relation) return undefined;
    for (const node of rewriteNodes(relation.rewrite)) {
      const cycle = node.kind === "computed" ? visit(node.relation, [...path, name]) : undefined;
      if (cycle) return cycle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of type.relations.keys()) {
    const cycle = visit(name, []);
    if (cycle) return cycle;
  }
  return undefined;
}
