/** What we look at in a parsed CEL expression: a tree of messages. */
type Tree = { readonly [key: string]: unknown };

const constantNames = new Set(["int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type"]);

/**
 * Finds what would fail or run away later: a name that is no parameter, and a loop inside a loop (its cost is the
 * product of the lists' lengths). Returns the problem, or undefined.
 */
export function inspectExpression(expression: unknown, parameters: ReadonlySet<string>): string | undefined {
  return visit(expression, parameters, false);
}

function visit(node: unknown, known: ReadonlySet<string>, inLoop: boolean): string | undefined {
  if (node === null || typeof node !== "object") return undefined;
  if (Array.isArray(node)) return firstOf(node, (part) => visit(part, known, inLoop));
  const tree = node as Tree;
  if (tree["case"] === "identExpr") {
    const name = String((tree["value"] as Tree)["name"]);
    return known.has(name) || constantNames.has(name) || name.startsWith("@")
      ? undefined
      : `"${name}" is not a parameter; parameters are ${[...known].join(", ") || "none"}`;
  }
  if (tree["case"] === "comprehensionExpr") {
    if (inLoop) return "a loop (all, exists, filter, map) inside a loop is not allowed";
    const loop = tree["value"] as Tree;
    const inner = new Set([...known, String(loop["iterVar"]), String(loop["iterVar2"]), String(loop["accuVar"])]);
    const outside = visit(loop["iterRange"], known, false) ?? visit(loop["accuInit"], known, true);
    return outside ?? firstOf(["loopCondition", "loopStep", "result"], (part) => visit(loop[part], inner, true));
  }
  return firstOf(Object.values(tree), (part) => visit(part, known, inLoop));
}

function firstOf<T>(parts: readonly T[], find: (part: T) => string | undefined): string | undefined {
  for (const part of parts) {
    const found = find(part);
    if (found !== undefined) return found;
  }
  return undefined;
}
