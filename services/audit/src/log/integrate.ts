import type { Clock } from "@plinth/kernel";
import type { Transaction } from "@plinth/postgres";
import {
  createTreeEdge,
  edgeTiles,
  encodeLeaf,
  formatCheckpoint,
  formatNote,
  leafHash,
  type NoteSigner,
  sameHash,
  signText,
} from "@plinth/transparency-log";
import { and, asc, gt, lte } from "drizzle-orm";
import { leafColumns, leafOf } from "../store/leaf-of-row.ts";
import { sealedEntryTable as table } from "../store/schema.ts";
import { type LogHead, lockLogHead } from "./log-head.ts";
import type { LogKeys } from "./log-keys.ts";
import { damaged, readTiles, writeTiles } from "./tile-store.ts";

export interface IntegrateOptions {
  keys: LogKeys;
  clock: Clock;
  origin: string;
  /** Entries at a time. */
  batchMax: number;
}

/**
 * Adds the entries that follow the tree to it and signs the result, all in the caller's transaction: what is signed and
 * what is stored are committed together or not at all, and a checkpoint is read from nowhere but the database. Returns
 * the size before and after.
 */
export async function integrate(tx: Transaction, options: IntegrateOptions): Promise<{ from: number; to: number }> {
  const { keys, origin, clock, batchMax } = options;
  const head = await lockLogHead(tx);
  const from = head.size;
  const rows = await nextRows(tx, from, batchMax);
  const signers = await keys.signers(tx);
  if (rows.length === 0) {
    await signAnew(tx, head, signers, options);
    return { from, to: from };
  }
  const ids = edgeTiles(from);
  const tiles = await readTiles(tx, ids);
  const edge = edgeOf(
    from,
    ids.map((id, at) => ({ ...id, hashes: tiles[at] as Buffer })),
  );
  if (!sameHash(edge.root(), head.root)) throw damaged("the tiles of the audit log do not make its root hash");
  for (const row of rows) edge.append(leafHash(encodeLeaf(leafOf(row))));
  const root = edge.root();
  await writeTiles(tx, edge.changed());
  const text = formatCheckpoint({ origin, size: edge.size, root });
  await tx.query(
    "UPDATE log_head SET size = $1, root = $2, checkpoint = $3, time = $4",
    [edge.size, Buffer.from(root), signWithAll(text, signers), new Date(clock.now())],
    "write_log_head",
  );
  return { from, to: edge.size };
}

/** Of the rows after `size` those that follow each other. Throws Fault when the log lost some. */
async function nextRows(tx: Transaction, size: number, limit: number) {
  const [start, end] = [BigInt(size), BigInt(size + limit)];
  const rows = await tx.drizzle
    .select(leafColumns)
    .from(table)
    .where(and(gt(table.sequence, start), lte(table.sequence, end)))
    .orderBy(asc(table.sequence));
  const gap = rows.findIndex((row, at) => row.sequence !== start + BigInt(at + 1));
  const next = gap < 0 ? rows : rows.slice(0, gap);
  await refuseLoss(tx, size, next.length);
  return next;
}

/**
 * Numbers are given out and entries stored in one transaction: a number without an entry means that the entry was taken away.
 * Looks after the rows were read, so that it sees at least what they saw.
 */
async function refuseLoss(tx: Transaction, size: number, found: number): Promise<void> {
  const [state] = await tx.query<{ sequence: string; earlier: boolean }>(
    "SELECT sequence, EXISTS (SELECT FROM entry) AS earlier FROM head",
  );
  const given = Number(state?.sequence ?? 0);
  if (given < size + found)
    throw damaged(`the audit log has ${size + found} entries and only ${given} numbers were given out`);
  if (found > 0 || given === size || state?.earlier) return;
  const [row] = await tx.query("SELECT FROM sealed_entry WHERE sequence = $1", [size + 1]);
  if (row === undefined) throw damaged(`entry ${size + 1} of the audit log is missing`);
}

function edgeOf(size: number, tiles: Parameters<typeof createTreeEdge>[1]) {
  try {
    return createTreeEdge(size, tiles);
  } catch (cause) {
    throw damaged("tiles of the audit log are missing", cause);
  }
}

/** After a change of keys or of the log's name the same tree gets new signatures. Ed25519 signs the same text the same way. */
async function signAnew(tx: Transaction, head: LogHead, signers: NoteSigner[], { origin }: IntegrateOptions) {
  const checkpoint = signWithAll(formatCheckpoint({ origin, size: head.size, root: head.root }), signers);
  if (checkpoint !== head.checkpoint) await tx.query("UPDATE log_head SET checkpoint = $1", [checkpoint]);
}

const signWithAll = (text: string, signers: readonly NoteSigner[]): string =>
  formatNote({ text, signatures: signers.map((signer) => signText(text, signer)) });
