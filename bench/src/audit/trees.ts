import { readTiles, tileHashes, writeTiles } from "@plinth/audit/tiles";
import type { Database } from "@plinth/postgres";
import {
  createTreeEdge,
  edgeTiles,
  leafHash,
  proveConsistency,
  proveInclusion,
  verifyConsistency,
  verifyInclusion,
} from "@plinth/transparency-log";
import { printTable } from "../table.ts";

const batch = 100_000;
const leafOf = (index: number) => leafHash(Buffer.from(`leaf ${index}`));

/** Trees over made-up leaves, stored as the service stores them: building, proving with tiles from PostgreSQL, verifying. */
export async function measureTrees(database: Database, seconds: number, sizes: readonly number[]): Promise<void> {
  const rows = [];
  let size = 0;
  let hashingMs = 0;
  for (const target of sizes) {
    const from = size;
    const begin = performance.now();
    for (; size < target; size += batch) hashingMs += await grow(database, size);
    const builtMs = performance.now() - begin;
    const reader = tileHashes(database);
    const root = await rootOf(database, size);
    const old = { size: from || size / 2, root: await rootOf(database, from || size / 2) };
    const inclusion = await measure(seconds, async (n) => {
      const index = (n * 7_919_993) % size;
      const proof = await proveInclusion(index, size, reader);
      return () => verifyInclusion({ leafHash: leafOf(index), index, size, proof, root });
    });
    const consistency = await measure(seconds, async () => {
      const at = { size: old.size, root: old.root };
      const proof = await proveConsistency(at.size, size, reader);
      return () => verifyConsistency({ from: at, to: { size, root }, proof });
    });
    const [stored] = await database.query<{ bytes: string }>("SELECT pg_total_relation_size('tile') AS bytes");
    rows.push({
      leaves: String(size),
      "built, leaves/s": (target - from) / (builtMs / 1000),
      "of that hashing, s": hashingMs / 1000,
      "inclusion proofs/s": inclusion.made,
      "p99 ms": inclusion.p99Ms,
      "verified/s": inclusion.verified,
      "consistency proofs/s": consistency.made,
      "tree bytes/leaf": Number(stored?.bytes) / size,
    });
  }
  printTable(`Audit log: trees in PostgreSQL, one at a time, ${seconds / 4} s each`, rows);
}

async function edgeOf(database: Database, size: number) {
  const ids = edgeTiles(size);
  const tiles = await readTiles(database, ids);
  return createTreeEdge(
    size,
    ids.map((id, at) => ({ ...id, hashes: tiles[at] as Buffer })),
  );
}

const rootOf = async (database: Database, size: number) => (await edgeOf(database, size)).root();

/** Adds `batch` leaves; returns the time for hashing. */
async function grow(database: Database, from: number): Promise<number> {
  const edge = await edgeOf(database, from);
  const begin = performance.now();
  for (let index = from; index < from + batch; index++) edge.append(leafOf(index));
  const changed = edge.changed();
  const hashingMs = performance.now() - begin;
  await database.transaction((tx) => writeTiles(tx, changed));
  return hashingMs;
}

async function measure(seconds: number, prove: (n: number) => Promise<() => boolean>) {
  const checks: (() => boolean)[] = [];
  const timesMs: number[] = [];
  const end = performance.now() + (seconds * 1000) / 4;
  for (let n = 0; performance.now() < end; n++) {
    const begin = performance.now();
    checks.push(await prove(n));
    timesMs.push(performance.now() - begin);
  }
  timesMs.sort((a, b) => a - b);
  const begin = performance.now();
  for (const check of checks) if (!check()) throw new Error("a proof does not verify");
  const verifiedMs = performance.now() - begin;
  return {
    made: checks.length / (seconds / 4),
    p99Ms: timesMs[Math.floor(timesMs.length * 0.99)] ?? Number.NaN,
    verified: checks.length / (verifiedMs / 1000),
  };
}
