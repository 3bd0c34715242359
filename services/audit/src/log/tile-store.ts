import { Fault } from "@plinth/kernel";
import type { Queryable, Transaction } from "@plinth/postgres";
import { createTileReader, type HashReader, type Tile, type TileId } from "@plinth/transparency-log";

/** The tiles that are there, in the order asked; a missing one is empty. */
export async function readTiles(db: Queryable, ids: readonly TileId[]): Promise<Buffer[]> {
  if (ids.length === 0) return [];
  const rows = await db.query<{ at: string; hashes: Buffer }>(
    `SELECT asked.at, tile.hashes FROM unnest($1::smallint[], $2::bigint[]) WITH ORDINALITY AS asked (level, index, at)
     JOIN tile ON tile.level = asked.level AND tile.index = asked.index`,
    [ids.map(({ level }) => level), ids.map(({ index }) => index)],
    "read_tiles",
  );
  const found = new Map(rows.map(({ at, hashes }) => [Number(at) - 1, hashes]));
  return ids.map((_, at) => found.get(at) ?? Buffer.alloc(0));
}

export async function writeTiles(tx: Transaction, tiles: readonly Tile[]): Promise<void> {
  await tx.query(
    `INSERT INTO tile (level, index, hashes) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])
     ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes`,
    [tiles.map(({ level }) => level), tiles.map(({ index }) => index), tiles.map(({ hashes }) => Buffer.from(hashes))],
    "write_tiles",
  );
}

/** Hashes of the tree, for proofs. Throws Fault when tiles were taken away. */
export function tileHashes(db: Queryable): HashReader {
  const reader = createTileReader((ids) => readTiles(db, ids));
  return {
    async read(nodes) {
      try {
        return await reader.read(nodes);
      } catch (cause) {
        if (cause instanceof Fault) throw cause;
        throw damaged("tiles of the audit log are missing", cause);
      }
    },
  };
}

/** The log was changed behind the service's back. */
export const damaged = (message: string, cause?: unknown): Fault =>
  new Fault({
    code: "internal",
    reason: "LOG_DAMAGED",
    message: `${message}: somebody changed the database, or restored an old one`,
    ...(cause === undefined ? {} : { cause }),
  });
