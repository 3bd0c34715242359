import type { LogService } from "@plinth/proto/plinth/audit/v1/log";
import type { Handler } from "@plinth/rpc";
import { encodeLeaf, type Hash } from "@plinth/transparency-log";
import type { LogReader } from "../log/log-reader.ts";
import type { EntryStore } from "../store/entry-store.ts";
import { leafOfRow } from "../store/leaf-of-row.ts";
import { entryToMessage } from "./entry-message.ts";
import { findEntry } from "./get-entry.ts";

type Method = typeof LogService.method;

export const getInclusionProof =
  (entries: EntryStore, reader: LogReader): Handler<Method["getInclusionProof"]> =>
  async ({ id, treeSize }) => {
    const entry = await findEntry(entries, id);
    const { index, size, root, hashes } = await reader.inclusion(entry, Number(treeSize));
    const place = { leafIndex: BigInt(index), treeSize: BigInt(size), rootHash: bytes(root) };
    return { ...place, hashes: hashes.map(bytes), leaf: bytes(encodeLeaf(leafOfRow(entry.row))) };
  };

export const getConsistencyProof =
  (reader: LogReader): Handler<Method["getConsistencyProof"]> =>
  async ({ fromSize, toSize }) => {
    const { to, root, hashes } = await reader.consistency(Number(fromSize), Number(toSize));
    return { fromSize, toSize: BigInt(to), toRootHash: bytes(root), hashes: hashes.map(bytes) };
  };

export const getEntryProof =
  (entries: EntryStore, reader: LogReader): Handler<Method["getEntryProof"]> =>
  async ({ id }) => {
    const entry = await findEntry(entries, id);
    return {
      entry: entryToMessage(entry.entry),
      tlogProof: await reader.proofFile(entry),
      leaf: bytes(encodeLeaf(leafOfRow(entry.row))),
    };
  };

/** Messages want arrays of their own memory. */
const bytes = (hash: Hash): Uint8Array<ArrayBuffer> => Uint8Array.from(hash);
