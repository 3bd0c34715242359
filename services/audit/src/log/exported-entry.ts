import type { Json } from "@plinth/transparency-log";
import type { OpenedEntry } from "../store/entry-sealer.ts";
import { leafOfRow } from "../store/leaf-of-row.ts";

/**
 * An entry as exports have it: the leaf, and its personal parts with the salts that open the leaf's commitments. A part that
 * was erased is missing.
 */
export function exportedEntry({ row, who, what }: OpenedEntry): Json {
  return {
    leaf: leafOfRow(row) as unknown as Json,
    ...(who === undefined ? {} : { who: who as unknown as Json }),
    ...(what === undefined ? {} : { what: what as unknown as Json }),
  };
}
