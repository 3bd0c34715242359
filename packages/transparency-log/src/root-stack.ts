import { emptyRoot, type Hash, nodeHash } from "./hash.ts";
import { nodesOf } from "./range.ts";

/** The root of a tree from its leaves in order, remembering no more than a hash per level. */
export interface RootStack {
  readonly size: number;
  /** Adds a leaf by its hash. */
  append(leaf: Hash): void;
  root(): Hash;
}

/** `start`: a beginning of which only the hashes of its complete subtrees are known. Throws when their number does not fit. */
export function createRootStack(start: { size: number; hashes: readonly Hash[] } = { size: 0, hashes: [] }): RootStack {
  const nodes = nodesOf({ start: 0, end: start.size });
  if (nodes.length !== start.hashes.length) throw new Error(`${start.size} leaves make ${nodes.length} subtrees`);
  const stack = nodes.map(({ level }, at) => ({ level, hash: start.hashes[at] as Hash }));
  let size = start.size;
  return {
    get size() {
      return size;
    },
    append(leaf) {
      let top = { level: 0, hash: leaf };
      for (let left = stack.at(-1); left?.level === top.level; left = stack.at(-1)) {
        stack.pop();
        top = { level: top.level + 1, hash: nodeHash(left.hash, top.hash) };
      }
      stack.push(top);
      size++;
    },
    root: () => (stack.length === 0 ? emptyRoot : stack.map(({ hash }) => hash).reduceRight((r, l) => nodeHash(l, r))),
  };
}
