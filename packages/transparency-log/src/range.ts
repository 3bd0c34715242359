import { type Hash, nodeHash } from "./hash.ts";

/** A complete subtree: the leaves from `index * 2^level`, `2^level` of them. Level 0 is a leaf. */
export interface Node {
  level: number;
  index: number;
}

/** The leaves from `start` up to, not including, `end`. */
export interface Range {
  start: number;
  end: number;
}

/** The largest power of two below n, for n > 1: where RFC 6962 section 2.1 splits a tree of n leaves. */
export function splitPoint(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

/** The complete subtrees that make up a range, from left to right. The range starts where a subtree of its size may start. */
export function nodesOf({ start, end }: Range): Node[] {
  const nodes: Node[] = [];
  for (let at = start; at < end; ) {
    let level = 0;
    let width = 1;
    while (at % (width * 2) === 0 && at + width * 2 <= end) {
      width *= 2;
      level++;
    }
    nodes.push({ level, index: at / width });
    at += width;
  }
  return nodes;
}

/** The hash over complete subtrees that lie side by side, the smaller ones to the right. At least one. */
export function joinHashes(hashes: readonly Hash[]): Hash {
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}
