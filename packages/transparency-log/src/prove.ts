import { emptyRoot, type Hash } from "./hash.ts";
import { joinHashes, type Node, nodesOf, type Range, splitPoint } from "./range.ts";

/** Where the hashes of complete subtrees come from. Answers in the order asked. */
export interface HashReader {
  read(nodes: readonly Node[]): Promise<readonly Hash[]>;
}

/** Root of the tree of the first `size` leaves (RFC 6962 section 2.1). */
export async function treeRoot(size: number, reader: HashReader): Promise<Hash> {
  if (size === 0) return emptyRoot;
  const [root] = await hashesOf([{ start: 0, end: size }], reader);
  return root as Hash;
}

/**
 * Proof that leaf `index` is in the tree of the first `size` leaves (RFC 6962 section 2.1.1): hashes from the leaf's sibling
 * up to the root's child. `index < size`.
 */
export const proveInclusion = (index: number, size: number, reader: HashReader): Promise<Hash[]> =>
  hashesOf(inclusionRanges(index, { start: 0, end: size }), reader);

/** Proof that the tree of `to` leaves begins with the tree of `from` leaves (RFC 6962 section 2.1.2). `from <= to`; nothing is to prove from 0 or when they are equal. */
export const proveConsistency = (from: number, to: number, reader: HashReader): Promise<Hash[]> =>
  hashesOf(from === 0 || from === to ? [] : consistencyRanges(from, { start: 0, end: to }, true), reader);

function inclusionRanges(index: number, { start, end }: Range): Range[] {
  if (end - start <= 1) return [];
  const middle = start + splitPoint(end - start);
  return index < middle
    ? [...inclusionRanges(index, { start, end: middle }), { start: middle, end }]
    : [...inclusionRanges(index, { start: middle, end }), { start, end: middle }];
}

/** SUBPROOF of RFC 6962 section 2.1.2; `whole`: the verifier has the hash of this subtree already. */
function consistencyRanges(from: number, { start, end }: Range, whole: boolean): Range[] {
  if (from === end) return whole ? [] : [{ start, end }];
  const middle = start + splitPoint(end - start);
  return from <= middle
    ? [...consistencyRanges(from, { start, end: middle }, whole), { start: middle, end }]
    : [...consistencyRanges(from, { start: middle, end }, false), { start, end: middle }];
}

/** Hash of each range, with one read for all of them. */
async function hashesOf(ranges: readonly Range[], reader: HashReader): Promise<Hash[]> {
  const parts = ranges.map(nodesOf);
  const hashes = await reader.read(parts.flat());
  let at = 0;
  return parts.map((nodes) => {
    const own = hashes.slice(at, at + nodes.length);
    at += nodes.length;
    return joinHashes(own);
  });
}
