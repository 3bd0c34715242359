import { type Hash, leafHash } from "../src/hash.ts";
import type { HashReader } from "../src/prove.ts";
import { createTileReader, type TileId } from "../src/tile.ts";
import { createTreeEdge, edgeTiles, type Tile } from "../src/tree-edge.ts";

/** A log in memory, which keeps its tiles as a service would: each round stores what changed. */
export interface GrownTree {
  readonly size: number;
  /** Roots by size: of every size that a batch ended with, and of all sizes between when the tree was asked for those. */
  readonly roots: Hash[];
  tiles: Map<string, Tile>;
  append(leaves: readonly Uint8Array[]): void;
  reader: HashReader;
}

const keyOf = ({ level, index }: TileId): string => `${level}/${index}`;

export function growTree({ everyRoot = false } = {}): GrownTree {
  const tiles = new Map<string, Tile>();
  let edge = createTreeEdge(0, []);
  const roots = [edge.root()];
  return {
    get size() {
      return edge.size;
    },
    roots,
    tiles,
    append(leaves) {
      // From what is stored, as after a restart.
      edge = createTreeEdge(
        edge.size,
        edgeTiles(edge.size).flatMap((id) => tiles.get(keyOf(id)) ?? []),
      );
      for (const leaf of leaves) {
        edge.append(leafHash(leaf));
        if (everyRoot) roots[edge.size] = edge.root();
      }
      roots[edge.size] = edge.root();
      for (const tile of edge.changed()) tiles.set(keyOf(tile), { ...tile, hashes: Uint8Array.from(tile.hashes) });
    },
    reader: createTileReader(async (wanted) => wanted.map((id) => tiles.get(keyOf(id))?.hashes ?? new Uint8Array())),
  };
}

/** Leaves that differ. */
export const numberedLeaves = (count: number, from = 0): Uint8Array[] =>
  Array.from({ length: count }, (_, at) => Buffer.from(`leaf ${from + at}`));
