import type { Rewrite, TypeRestriction } from "./model.ts";
import type { ParsedRestriction, ParsedRewrite } from "./parse-dsl.ts";

export function toRewrite(parsed: ParsedRewrite): Rewrite {
  if (parsed.computedUserset) return { kind: "computed", relation: parsed.computedUserset.relation };
  if (parsed.tupleToUserset) {
    const { tupleset, computedUserset } = parsed.tupleToUserset;
    return { kind: "from", relation: computedUserset.relation, tupleset: tupleset.relation };
  }
  if (parsed.union) return { kind: "union", children: parsed.union.child.map(toRewrite) };
  if (parsed.intersection) return { kind: "intersection", children: parsed.intersection.child.map(toRewrite) };
  if (parsed.difference) {
    return {
      kind: "exclusion",
      base: toRewrite(parsed.difference.base),
      subtract: toRewrite(parsed.difference.subtract),
    };
  }
  return { kind: "direct" };
}

export const toRestriction = (parsed: ParsedRestriction): TypeRestriction => ({
  type: parsed.type,
  relation: parsed.relation || undefined,
  wildcard: parsed.wildcard !== undefined,
  condition: parsed.condition || undefined,
});

/** Every node of a rewrite, itself first. */
export function* rewriteNodes(rewrite: Rewrite): Generator<Rewrite> {
  yield rewrite;
  if (rewrite.kind === "union" || rewrite.kind === "intersection") {
    for (const child of rewrite.children) yield* rewriteNodes(child);
  } else if (rewrite.kind === "exclusion") {
    yield* rewriteNodes(rewrite.base);
    yield* rewriteNodes(rewrite.subtract);
  }
}
