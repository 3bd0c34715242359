import { Fault } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";
import {
  encodeLeaf,
  formatProofFile,
  type Hash,
  leafHash,
  nodesOf,
  proveConsistency,
  proveInclusion,
  treeRoot,
  verifyInclusion,
} from "@plinth/transparency-log";
import type { OpenedEntry } from "../store/entry-sealer.ts";
import { leafOfRow } from "../store/leaf-of-row.ts";
import { readCosigned, withCosignatures } from "./cosignatures.ts";
import { exportedEntry } from "./exported-entry.ts";
import { type LogHead, readHead } from "./log-head.ts";
import { damaged, tileHashes } from "./tile-store.ts";

/** Answers questions about the tree as it was last signed. Everything comes from the database. */
export interface LogReader {
  /** The newest checkpoint with the cosignatures that it has; `cosigned`: the newest that has any. */
  checkpoint(options?: { cosigned?: boolean }): Promise<LogHead>;
  /** The size, 0 being the newest tree's. Throws Fault when the log has not been so large yet. */
  knownSize(size: number, head: LogHead): number;
  /** `size` 0: in the newest tree. */
  inclusion(entry: OpenedEntry, size: number): Promise<{ index: number; size: number; root: Hash; hashes: Hash[] }>;
  /** As `inclusion`, unverified: an export shows an entry that was changed, and whoever verifies it finds it. */
  proof(entry: OpenedEntry, size: number): Promise<Hash[]>;
  consistency(from: number, to: number): Promise<{ to: number; root: Hash; hashes: Hash[] }>;
  /** Hashes of the complete subtrees that make up the first `size` leaves: they stand in for entries that were removed. */
  prefix(size: number): Promise<readonly Hash[]>;
  /** What the log has as hashes of leaves, in the order of their sequence numbers. */
  logged(sequences: readonly bigint[]): Promise<readonly Hash[]>;
  /** A `.tlog-proof` of an entry. */
  proofFile(entry: OpenedEntry): Promise<string>;
}

export function createLogReader(database: Database): LogReader {
  const hashes = tileHashes(database);

  async function signedHead(): Promise<LogHead> {
    const head = await readHead(database);
    if (head.checkpoint === "") throw notYet("the log is being made");
    return head;
  }

  function knownSize(size: number, head: LogHead): number {
    if (size <= head.size) return size || head.size;
    throw new Fault({
      code: "out_of_range",
      reason: "TREE_SIZE_UNKNOWN",
      message: `the log has ${head.size} leaves, not ${size} yet`,
    });
  }

  async function prove(entry: OpenedEntry, asked: number) {
    const head = await signedHead();
    const size = knownSize(asked, head);
    const index = Number(entry.row.sequence) - 1;
    if (index >= size) throw notYet("the entry is not in that tree");
    const root = size === head.size ? head.root : await treeRoot(size, hashes);
    const proof = await proveInclusion(index, size, hashes);
    const leaf = leafHash(encodeLeaf(leafOfRow(entry.row)));
    // A proof that does not verify would only tell the caller so.
    if (!verifyInclusion({ leafHash: leaf, index, size, proof, root }))
      throw damaged(`entry ${entry.row.sequence} is not what the audit log committed to`);
    return { index, size, root, hashes: proof };
  }

  return {
    async checkpoint({ cosigned = false } = {}) {
      const head = await signedHead();
      return cosigned ? readCosigned(database, head) : withCosignatures(database, head);
    },
    knownSize,
    inclusion: prove,
    proof: (entry, size) => proveInclusion(Number(entry.row.sequence) - 1, size, hashes),
    async consistency(from, asked) {
      const head = await signedHead();
      const to = knownSize(asked, head);
      knownSize(from, { ...head, size: to });
      return { to, root: await treeRoot(to, hashes), hashes: await proveConsistency(from, to, hashes) };
    },
    prefix: (size) => hashes.read(nodesOf({ start: 0, end: size })),
    logged: (sequences) => hashes.read(sequences.map((sequence) => ({ level: 0, index: Number(sequence) - 1 }))),
    async proofFile(entry) {
      const head = await withCosignatures(database, await signedHead());
      const { index, hashes: proof } = await prove(entry, head.size);
      const extra = Buffer.from(JSON.stringify(exportedEntry(entry)));
      return formatProofFile({ extra, index, hashes: proof, checkpoint: head.checkpoint });
    },
  };
}

/** Within a second it will be otherwise. */
const notYet = (message: string): Fault =>
  new Fault({
    code: "unavailable",
    reason: "NOT_YET_INTEGRATED",
    message: `${message}, try again shortly`,
    retryAfterMs: 1_000,
  });
