import { type Hash, hashBytes, nodeHash } from "./hash.ts";
import type { HashReader } from "./prove.ts";
import type { Node } from "./range.ts";

/** Hashes in a full tile. */
export const tileWidth = 256;
const tileHeight = 8;

/** Tile `index` of `level` (c2sp.org/tlog-tiles, "Merkle Tree"): each of its hashes is over `256^level` leaves. */
export interface TileId {
  level: number;
  index: number;
}

/** Hashes that the tile has in a tree of `size` leaves: 0 when there is no such tile yet. */
export function widthInTree({ level, index }: TileId, size: number): number {
  const hashes = Math.floor(size / tileWidth ** level);
  return Math.max(0, Math.min(tileWidth, hashes - index * tileWidth));
}

/** `L/N` or `L/N.p/W`, as c2sp.org/tlog-tiles wants paths below `<prefix>/tile/`; `level` may be "entries". */
export function tilePath({ level, index }: { level: number | "entries"; index: number }, width = tileWidth): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, "0");
  const parts = digits.match(/\d{3}/g) ?? [];
  const name = parts.map((part, at) => (at === parts.length - 1 ? part : `x${part}`)).join("/");
  return `${level}/${name}${width === tileWidth ? "" : `.p/${width}`}`;
}

const pathForm = /^(entries|0|[1-9]\d?)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;
const levelMax = 63;

/** The tile that a path names; undefined for anything that `tilePath` would not write. */
export function parseTilePath(path: string): { level: number | "entries"; index: number; width: number } | undefined {
  const [, level, name, partial] = pathForm.exec(path) ?? [];
  if (level === undefined || name === undefined) return undefined;
  const index = Number(name.replaceAll(/[x/]/g, ""));
  const tile = {
    level: level === "entries" ? level : Number(level),
    index,
    width: Number(partial ?? tileWidth),
  } as const;
  const possible =
    Number.isSafeInteger(index) && (tile.level === "entries" || tile.level <= levelMax) && tile.width <= tileWidth;
  return possible && tilePath(tile, tile.width) === path ? tile : undefined;
}

/** The hash over `2^height` hashes of a tile from `start` on. */
export function hashInTile(tile: Uint8Array, start: number, height: number): Hash {
  let row = Array.from({ length: 2 ** height }, (_, at) => hashAt(tile, start + at));
  while (row.length > 1) {
    const pairs: Hash[] = [];
    for (let at = 0; at < row.length; at += 2) pairs.push(nodeHash(row[at] as Hash, row[at + 1] as Hash));
    row = pairs;
  }
  return row[0] as Hash;
}

export const hashAt = (tile: Uint8Array, at: number): Hash => tile.subarray(at * hashBytes, (at + 1) * hashBytes);

/**
 * Reads hashes of subtrees out of tiles. `fetch` gets each tile once and answers in the order asked; a tile may be wider
 * than the tree that is asked about, because what it begins with never changes. Throws when a tile is too short.
 */
export function createTileReader(fetch: (tiles: readonly TileId[]) => Promise<readonly Uint8Array[]>): HashReader {
  return {
    async read(nodes) {
      const places = nodes.map(placeOf);
      const wanted = new Map(places.map(({ tile }) => [keyOf(tile), tile]));
      const keys = [...wanted.keys()];
      const tiles = await fetch([...wanted.values()]);
      return places.map(({ tile, start, height }) => {
        const bytes = tiles[keys.indexOf(keyOf(tile))];
        if (bytes === undefined || bytes.length < (start + 2 ** height) * hashBytes)
          throw new Error(`tile ${tilePath(tile)} lacks hash ${start + 2 ** height - 1}`);
        return hashInTile(bytes, start, height);
      });
    },
  };
}

const keyOf = ({ level, index }: TileId): string => `${level}/${index}`;

function placeOf({ level, index }: Node): { tile: TileId; start: number; height: number } {
  const height = level % tileHeight;
  const first = index * 2 ** height;
  const tile = { level: (level - height) / tileHeight, index: Math.floor(first / tileWidth) };
  return { tile, start: first % tileWidth, height };
}
