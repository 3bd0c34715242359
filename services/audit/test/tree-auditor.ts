import { type Checkpoint, createTreeEdge, encodeLeaf, leafHash, sameHash } from "@plinth/transparency-log";
import { asc } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { leafOfRow } from "../src/store/leaf-of-row.ts";
import { sealedEntryTable } from "../src/store/schema.ts";

/**
 * Looks at a log from outside, after whatever happened to it: the rows make the tree that the head states, every checkpoint
 * that anybody ever saw is a prefix of it, and the tiles hold its hashes, all of one moment: a service may go on meanwhile.
 * Throws what is wrong.
 */
export async function auditTree(
  databaseUrl: string,
  seen: readonly Pick<Checkpoint, "size" | "root">[],
): Promise<{ size: number; entries: number }> {
  const url = new URL(databaseUrl);
  url.searchParams.set("options", "-c search_path=audit");
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const rows = await drizzle(client).select().from(sealedEntryTable).orderBy(asc(sealedEntryTable.sequence));
    const [head] = (await client.query("SELECT size, root FROM log_head")).rows;
    const size = Number(head.size);
    const edge = createTreeEdge(0, []);
    const roots = new Map([[0, edge.root()]]);
    for (const [at, row] of rows.entries()) {
      if (row.sequence !== BigInt(at + 1)) throw new Error(`entry ${at + 1} is missing`);
      edge.append(leafHash(encodeLeaf(leafOfRow(row))));
      if (edge.size === size || seen.some((checkpoint) => checkpoint.size === edge.size))
        roots.set(edge.size, edge.root());
    }
    const same = (checkpoint: { size: number; root: Uint8Array }) =>
      sameHash(roots.get(checkpoint.size) ?? new Uint8Array(), checkpoint.root);
    if (!same({ size, root: head.root })) throw new Error(`the rows do not make the head's tree of ${size} leaves`);
    for (const checkpoint of seen)
      if (!same(checkpoint)) throw new Error(`checkpoint ${checkpoint.size} is of another tree`);
    const tiles = (await client.query("SELECT level, index, hashes FROM tile")).rows;
    for (const { level, index, hashes } of tiles) {
      const own = edge.changed().find((tile) => tile.level === level && tile.index === Number(index));
      if (!own || Buffer.compare(own.hashes.subarray(0, hashes.length), hashes) !== 0)
        throw new Error(`tile ${level}/${index} is not of this tree`);
    }
    return { size, entries: rows.length };
  } finally {
    await client.end();
  }
}
