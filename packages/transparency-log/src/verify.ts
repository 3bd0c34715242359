import { emptyRoot, type Hash, nodeHash, sameHash } from "./hash.ts";

export interface Inclusion {
  leafHash: Hash;
  /** From 0. */
  index: number;
  size: number;
  proof: readonly Hash[];
  root: Hash;
}

/** True when the leaf is at its index in the tree (RFC 9162 section 2.1.3.2). */
export function verifyInclusion({ leafHash, index, size, proof, root }: Inclusion): boolean {
  if (!isSize(size) || !isSize(index) || index >= size) return false;
  let fn = index;
  let sn = size - 1;
  let hash = leafHash;
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && sameHash(hash, root);
}

export interface Consistency {
  from: { size: number; root: Hash };
  to: { size: number; root: Hash };
  proof: readonly Hash[];
}

/** True when the larger tree begins with all leaves of the smaller one, in order (RFC 9162 section 2.1.4.2). */
export function verifyConsistency({ from, to, proof }: Consistency): boolean {
  if (!isSize(from.size) || !isSize(to.size) || from.size > to.size) return false;
  if (from.size === to.size) return proof.length === 0 && sameHash(from.root, to.root);
  if (from.size === 0) return proof.length === 0 && sameHash(from.root, emptyRoot);
  const path = isPowerOfTwo(from.size) ? [from.root, ...proof] : proof;
  const [first, ...rest] = path;
  if (first === undefined || proof.length === 0) return false;
  let fn = from.size - 1;
  let sn = to.size - 1;
  while (isOdd(fn)) {
    fn = half(fn);
    sn = half(sn);
  }
  let [fr, sr] = [first, first];
  for (const hash of rest) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      fr = nodeHash(hash, fr);
      sr = nodeHash(hash, sr);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      sr = nodeHash(sr, hash);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && sameHash(fr, from.root) && sameHash(sr, to.root);
}

const isSize = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;
const isOdd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);

function isPowerOfTwo(n: number): boolean {
  let power = 1;
  while (power < n) power *= 2;
  return power === n;
}
