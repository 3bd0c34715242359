import type { Database } from "@plinth/postgres";
import { encodeLeaf, tileWidth } from "@plinth/transparency-log";
import { and, asc, gt, lte } from "drizzle-orm";
import { leafColumns, leafOf } from "../store/leaf-of-row.ts";
import { sealedEntryTable as table } from "../store/schema.ts";

const lengthBytes = 2;

/**
 * The leaves of a level 0 tile, each after its length in 16 bits (c2sp.org/tlog-tiles, "Log entries"). Undefined when entries
 * of it were removed, because their time was over or otherwise.
 */
export async function readEntryBundle(
  database: Database,
  { index, width, pruned }: { index: number; width: number; pruned: number },
): Promise<Uint8Array | undefined> {
  const first = index * tileWidth;
  if (pruned > first) return undefined;
  const rows = await database.drizzle
    .select(leafColumns)
    .from(table)
    .where(and(gt(table.sequence, BigInt(first)), lte(table.sequence, BigInt(first + width))))
    .orderBy(asc(table.sequence));
  if (rows.length !== width) return undefined;
  return Buffer.concat(
    rows.flatMap((row) => {
      const leaf = encodeLeaf(leafOf(row));
      const length = Buffer.alloc(lengthBytes);
      length.writeUInt16BE(leaf.length);
      return [length, leaf];
    }),
  );
}
