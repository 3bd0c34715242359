import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { emptyRoot, type Hash, leafHash, nodeHash } from "../src/hash.ts";
import { proveConsistency, proveInclusion, treeRoot } from "../src/prove.ts";
import { splitPoint } from "../src/range.ts";
import { widthInTree } from "../src/tile.ts";
import { createTreeEdge, edgeTiles } from "../src/tree-edge.ts";
import { verifyConsistency, verifyInclusion } from "../src/verify.ts";
import { growTree, numberedLeaves } from "./grown-tree.ts";

const hex = (hash: Hash) => Buffer.from(hash).toString("hex");

/** MTH of RFC 6962 section 2.1, word for word and slow. */
function definedRoot(leaves: readonly Uint8Array[]): Hash {
  const [only] = leaves;
  if (only === undefined) return emptyRoot;
  if (leaves.length === 1) return leafHash(only);
  const k = splitPoint(leaves.length);
  return nodeHash(definedRoot(leaves.slice(0, k)), definedRoot(leaves.slice(k)));
}

describe("known answers", () => {
  // Inputs and roots of Certificate Transparency's reference tests, as in transparency-dev/merkle v0.0.2, testonly/constants.go.
  const inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
  const roots = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ];

  test("roots", () => {
    const tree = growTree({ everyRoot: true });
    tree.append(inputs.map((input) => Buffer.from(input, "hex")));
    expect(tree.roots.map(hex)).toEqual(roots);
  });
});

describe("a tree that grows in batches", () => {
  test("has the roots that RFC 6962 defines, whatever the batches", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }), (batches) => {
        const tree = growTree();
        for (const count of batches) tree.append(numberedLeaves(count, tree.size));
        expect(hex(tree.roots.at(-1) as Hash)).toBe(hex(definedRoot(numberedLeaves(tree.size))));
      }),
      { numRuns: 20 },
    );
  });

  test("stores the tiles that c2sp.org/tlog-tiles wants, each beginning as it did", () => {
    const tree = growTree();
    const before = new Map<string, Uint8Array>();
    for (const count of [1, 254, 1, 1, 255, 65_024, 4_464]) {
      tree.append(numberedLeaves(count, tree.size));
      for (const [key, tile] of tree.tiles) {
        expect(tile.hashes.length / 32).toBe(widthInTree(tile, tree.size));
        const old = before.get(key) ?? new Uint8Array();
        expect(Buffer.compare(tile.hashes.subarray(0, old.length), old)).toBe(0);
        before.set(key, tile.hashes);
      }
    }
    // The example of the specification: 70,000 leaves.
    expect(tree.size).toBe(70_000);
    const widths = (level: number) =>
      [...tree.tiles.values()].filter((tile) => tile.level === level).map(({ hashes }) => hashes.length / 32);
    expect(widths(0).filter((width) => width === 256)).toHaveLength(273);
    expect(widths(0).filter((width) => width < 256)).toEqual([112]);
    expect(widths(1)).toEqual([256, 17]);
    expect(widths(2)).toEqual([1]);
  });

  test("does not go on from tiles that are missing or too short", () => {
    const tree = growTree();
    tree.append(numberedLeaves(600));
    const tiles = edgeTiles(600).flatMap(({ level, index }) => tree.tiles.get(`${level}/${index}`) ?? []);
    expect(hex(createTreeEdge(600, tiles).root())).toBe(hex(tree.roots[600] as Hash));
    expect(() => createTreeEdge(600, tiles.slice(1))).toThrow("tile 0/2 has fewer than the 88 hashes");
    const short = tiles.map((tile) => ({ ...tile, hashes: tile.hashes.subarray(32) }));
    expect(() => createTreeEdge(600, short)).toThrow("fewer than");
  });
});

const tree = growTree({ everyRoot: true });
for (const count of [1, 2, 60, 200, 57]) tree.append(numberedLeaves(count, tree.size));
const rootOf = (size: number) => tree.roots[size] as Hash;

describe("proofs", () => {
  test("of every leaf in every tree up to 80 leaves verify", async () => {
    for (let size = 1; size <= 80; size++) {
      expect(hex(await treeRoot(size, tree.reader))).toBe(hex(rootOf(size)));
      for (const [index, leaf] of numberedLeaves(size).entries()) {
        const proof = await proveInclusion(index, size, tree.reader);
        expect(verifyInclusion({ leafHash: leafHash(leaf), index, size, proof, root: rootOf(size) })).toBe(true);
      }
    }
  });

  test("from every tree to every later one up to 80 leaves verify", async () => {
    for (let to = 0; to <= 80; to++) {
      for (let from = 0; from <= to; from++) {
        const proof = await proveConsistency(from, to, tree.reader);
        const claim = { from: { size: from, root: rootOf(from) }, to: { size: to, root: rootOf(to) }, proof };
        expect(verifyConsistency(claim), `${from} to ${to}`).toBe(true);
      }
    }
  });

  test("over several tiles verify", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 257, max: 320 }), fc.nat(), async (size, any) => {
        const index = any % size;
        const proof = await proveInclusion(index, size, tree.reader);
        const leaf = leafHash(Buffer.from(`leaf ${index}`));
        expect(verifyInclusion({ leafHash: leaf, index, size, proof, root: rootOf(size) })).toBe(true);
        const claim = { from: { size: index, root: rootOf(index) }, to: { size, root: rootOf(size) } };
        expect(verifyConsistency({ ...claim, proof: await proveConsistency(index, size, tree.reader) })).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

/** The same bytes with one bit turned. */
function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const other = Uint8Array.from(bytes);
  const at = Math.floor(bit / 8) % other.length;
  other[at] = (other[at] as number) ^ (1 << (bit % 8));
  return other;
}

const flipIn = (hashes: readonly Hash[], any: number): Hash[] =>
  hashes.map((hash, at) => (at === any % hashes.length ? flip(hash, any) : hash));

describe("one wrong bit, place or length", () => {
  test("ends an inclusion proof", async () => {
    const anywhere = fc.tuple(fc.integer({ min: 2, max: 320 }), fc.nat(), fc.nat());
    await fc.assert(
      fc.asyncProperty(anywhere, async ([size, anyIndex, bit]) => {
        const index = anyIndex % size;
        const proof = await proveInclusion(index, size, tree.reader);
        const good = { leafHash: leafHash(Buffer.from(`leaf ${index}`)), index, size, proof, root: rootOf(size) };
        expect(verifyInclusion(good)).toBe(true);
        const bad = [
          { leafHash: flip(good.leafHash, bit) },
          { root: flip(good.root, bit) },
          { proof: flipIn(proof, bit) },
          { proof: proof.slice(1) },
          { proof: [...proof, good.root] },
          { index: index === 0 ? 1 : index - 1 },
          { index: size },
          { index: index + 0.5 },
          { index: -1 },
        ];
        for (const change of bad) expect(verifyInclusion({ ...good, ...change }), JSON.stringify(change)).toBe(false);
      }),
    );
  });

  test("ends a consistency proof", async () => {
    const anywhere = fc.tuple(fc.integer({ min: 2, max: 320 }), fc.nat(), fc.nat());
    await fc.assert(
      fc.asyncProperty(anywhere, async ([size, anyFrom, bit]) => {
        const old = 1 + (anyFrom % (size - 1));
        const proof = await proveConsistency(old, size, tree.reader);
        const from = { size: old, root: rootOf(old) };
        const to = { size, root: rootOf(size) };
        expect(verifyConsistency({ from, to, proof })).toBe(true);
        const bad = [
          { proof: flipIn(proof, bit) },
          { proof: proof.slice(1) },
          { proof: [...proof, to.root] },
          { proof: [] },
          { from: { ...from, root: flip(from.root, bit) } },
          { to: { ...to, root: flip(to.root, bit) } },
          { from: { ...from, size: size + 1 } },
          { from: { ...from, size: size } },
        ];
        for (const change of bad) expect(verifyConsistency({ from, to, proof, ...change })).toBe(false);
      }),
    );
  });

  test("ends the claim that two trees of one size are the same", () => {
    const claim = (root: Hash) => ({ from: { size: 9, root }, to: { size: 9, root: rootOf(9) }, proof: [] });
    expect(verifyConsistency(claim(rootOf(9)))).toBe(true);
    expect(verifyConsistency(claim(rootOf(8)))).toBe(false);
    expect(verifyConsistency({ ...claim(rootOf(9)), proof: [rootOf(9)] })).toBe(false);
    expect(verifyConsistency({ from: { size: 0, root: rootOf(1) }, to: { size: 9, root: rootOf(9) }, proof: [] })).toBe(
      false,
    );
  });
});
