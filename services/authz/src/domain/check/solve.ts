import type { CheckNode, Formula } from "./formula.ts";

/** What is known of the answers: nodes outside `possible` are no, nodes in `certain` are yes, the rest is undecided. */
export interface Bounds {
  readonly certain: ReadonlySet<CheckNode>;
  readonly possible: ReadonlySet<CheckNode>;
}

/** One side of the bounds: the nodes that count as yes, and what an open question counts as. */
interface View {
  readonly yes: ReadonlySet<CheckNode>;
  readonly open: boolean;
}

/**
 * Finds the well-founded model of the nodes' formulas (Van Gelder, Ross, Schlipf: "The well-founded semantics for
 * general logic programs", 1991) by its alternating fixpoint. Circles without "but not" are no unless something else
 * makes them yes; a circle through "but not" that contradicts itself stays undecided instead of being guessed. Open
 * questions (nodes not read yet, faults) count as no in `certain` and as yes in `possible`, so what is decided stays
 * decided whatever they turn out to be.
 */
export function solve(nodes: Iterable<CheckNode>): Bounds {
  const all = [...nodes];
  let certain: ReadonlySet<CheckNode> = new Set();
  for (;;) {
    const possible = leastFixpoint(all, true, { yes: certain, open: false });
    const more = leastFixpoint(all, false, { yes: possible, open: true });
    if (more.size === certain.size) return { certain, possible };
    certain = more;
  }
}

/** All nodes that must be yes when what is subtracted is looked up in `opposite`. */
function leastFixpoint(nodes: readonly CheckNode[], open: boolean, opposite: View): Set<CheckNode> {
  const yes = new Set<CheckNode>();
  const own: View = { yes, open };
  // The farthest first: most formulas then find their parts decided.
  const queue = nodes.filter((node) => node.formula !== undefined).reverse();
  const queued = new Set(queue);
  for (let at = 0; at < queue.length; at++) {
    const node = queue[at] as CheckNode;
    queued.delete(node);
    if (yes.has(node) || !holds(node.formula as Formula, own, opposite)) continue;
    yes.add(node);
    for (const dependent of node.dependents) {
      if (yes.has(dependent) || queued.has(dependent)) continue;
      queued.add(dependent);
      queue.push(dependent);
    }
  }
  return yes;
}

function holds(formula: Formula, own: View, opposite: View): boolean {
  switch (formula.kind) {
    case "constant":
      return formula.value;
    case "fault":
      return own.open;
    case "node":
      return formula.node.formula === undefined ? own.open : own.yes.has(formula.node);
    case "any":
      return formula.parts.some((part) => holds(part, own, opposite));
    case "all":
      return formula.parts.every((part) => holds(part, own, opposite));
    case "except":
      return holds(formula.base, own, opposite) && !holds(formula.subtract, opposite, own);
  }
}

/** Yes, no, or undefined while it depends on what is open. */
export function decide(formula: Formula, bounds: Bounds): boolean | undefined {
  const certain: View = { yes: bounds.certain, open: false };
  const possible: View = { yes: bounds.possible, open: true };
  if (holds(formula, certain, possible)) return true;
  return holds(formula, possible, certain) ? undefined : false;
}
