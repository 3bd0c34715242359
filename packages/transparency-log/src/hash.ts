import { hash } from "node:crypto";

/** SHA-256 of a leaf or a node: 32 bytes. */
export type Hash = Uint8Array;

export const hashBytes = 32;

/** What the hash of an empty tree is (RFC 6962 section 2.1). */
export const emptyRoot: Hash = sha256(new Uint8Array());

/** Hash of a leaf with its prefix 0x00, which keeps a leaf from passing as a node (RFC 6962 section 2.1). */
export function leafHash(leaf: Uint8Array): Hash {
  const input = Buffer.allocUnsafe(leaf.length + 1);
  input[0] = 0;
  input.set(leaf, 1);
  return sha256(input);
}

/** Hash of a node with its prefix 0x01 (RFC 6962 section 2.1). */
export function nodeHash(left: Hash, right: Hash): Hash {
  const input = Buffer.allocUnsafe(1 + 2 * hashBytes);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 1 + hashBytes);
  return sha256(input);
}

export const sameHash = (a: Hash, b: Hash): boolean => Buffer.compare(a, b) === 0;

export function sha256(input: Uint8Array): Hash {
  return hash("sha256", input, "buffer");
}
