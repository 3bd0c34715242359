import { emptyRoot, type Hash, hashBytes, nodeHash } from "./hash.ts";
import { hashAt, hashInTile, type TileId, tileWidth, widthInTree } from "./tile.ts";

/** A tile with its hashes, `hashes.length / 32` of them. */
export interface Tile extends TileId {
  hashes: Uint8Array;
}

/** The growing side of a tree: its partial tiles, one per level at most, are all that is needed to append and to tell the root. */
export interface TreeEdge {
  readonly size: number;
  /** Adds a leaf by its hash. */
  append(leaf: Hash): void;
  root(): Hash;
  /** Tiles that changed since the edge was made, with all their hashes. */
  changed(): Tile[];
}

/** The partial tiles of a tree of `size` leaves: what `createTreeEdge` wants. */
export function edgeTiles(size: number): TileId[] {
  const tiles: TileId[] = [];
  for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / tileWidth)) {
    if (hashes % tileWidth > 0) tiles.push({ level, index: Math.floor(hashes / tileWidth) });
  }
  return tiles;
}

interface Growing {
  index: number;
  width: number;
  hashes: Buffer;
  changed: boolean;
}

/** `tiles`: those of `edgeTiles(size)`; hashes beyond `size` are left out of account. Throws when one is missing or too short. */
export function createTreeEdge(initialSize: number, tiles: readonly Tile[]): TreeEdge {
  let size = initialSize;
  const full: Tile[] = [];
  const levels: Growing[] = [];
  for (const { level, index } of edgeTiles(initialSize)) {
    const width = widthInTree({ level, index }, initialSize);
    const tile = tiles.find((candidate) => candidate.level === level && candidate.index === index);
    if (tile === undefined || tile.hashes.length < width * hashBytes)
      throw new Error(`tile ${level}/${index} has fewer than the ${width} hashes of a tree of ${initialSize} leaves`);
    const growing = emptyTile(index);
    growing.hashes.set(tile.hashes.subarray(0, width * hashBytes));
    growing.width = width;
    levels[level] = growing;
  }

  function levelAt(level: number): Growing {
    levels[level] ??= emptyTile(Math.floor(size / tileWidth ** (level + 1)));
    return levels[level];
  }

  function add(level: number, hash: Hash): void {
    const tile = levelAt(level);
    tile.hashes.set(hash, tile.width * hashBytes);
    tile.width++;
    tile.changed = true;
    if (tile.width < tileWidth) return;
    full.push({ level, index: tile.index, hashes: tile.hashes });
    levels[level] = emptyTile(tile.index + 1);
    add(level + 1, hashInTile(tile.hashes, 0, 8));
  }

  return {
    get size() {
      return size;
    },
    append(leaf) {
      add(0, leaf);
      size++;
    },
    root() {
      let root: Hash | undefined;
      for (const tile of levels) if (tile !== undefined) root = joinRight(tile, root);
      return root ?? emptyRoot;
    },
    changed() {
      const partial = levels.flatMap((tile, level) =>
        tile?.changed && tile.width > 0
          ? [{ level, index: tile.index, hashes: tile.hashes.subarray(0, tile.width * hashBytes) }]
          : [],
      );
      return [...full, ...partial];
    },
  };
}

const emptyTile = (index: number): Growing => ({
  index,
  width: 0,
  hashes: Buffer.alloc(tileWidth * hashBytes),
  changed: false,
});

/** The hash over a tile's complete subtrees and everything to the right of them. */
function joinRight({ hashes, width }: Growing, right: Hash | undefined): Hash | undefined {
  let root = right;
  for (let bit = 1, end = width; bit <= width; bit *= 2) {
    if (Math.floor(width / bit) % 2 === 0) continue;
    const subtree = bit === 1 ? hashAt(hashes, end - 1) : hashInTile(hashes, end - bit, Math.log2(bit));
    root = root === undefined ? subtree : nodeHash(subtree, root);
    end -= bit;
  }
  return root;
}
