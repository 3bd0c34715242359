import type { Fault } from "@plinth/kernel";
import type { CheckNode, Formula } from "./formula.ts";
import { type Bounds, decide } from "./solve.ts";

export interface OpenParts {
  /** Nodes to be read next. */
  unread: CheckNode[];
  /** Why answers cannot be found, nearest first. */
  faults: Fault[];
}

/** What keeps the root undecided. Parts that are decided, or that a decided sibling makes irrelevant, are not entered. */
export function findOpen(root: CheckNode, bounds: Bounds): OpenParts {
  const open: OpenParts = { unread: [], faults: [] };
  const seen = new Set<CheckNode>([root]);
  const queue: CheckNode[] = [root];
  const enter = (formula: Formula): void => {
    if (decide(formula, bounds) !== undefined) return;
    if (formula.kind === "fault") open.faults.push(formula.fault);
    else if (formula.kind === "node") {
      if (seen.has(formula.node)) return;
      seen.add(formula.node);
      queue.push(formula.node);
    } else if (formula.kind === "except") {
      enter(formula.base);
      enter(formula.subtract);
    } else if (formula.kind !== "constant") formula.parts.forEach(enter);
  };
  for (let at = 0; at < queue.length; at++) {
    const node = queue[at] as CheckNode;
    if (node.formula === undefined) open.unread.push(node);
    else enter(node.formula);
  }
  return open;
}
