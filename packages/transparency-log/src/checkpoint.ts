import { decodeBase64, encodeBase64, parseSize } from "./base64.ts";
import { type Hash, hashBytes } from "./hash.ts";
import { invalid } from "./invalid.ts";
import { parseNote, verifyNote } from "./note.ts";
import type { NoteKey } from "./note-key.ts";

/** What a log says about itself (c2sp.org/tlog-checkpoint). */
export interface Checkpoint {
  /** The log's name. */
  origin: string;
  /** Leaves. */
  size: number;
  root: Hash;
}

/** The text that is signed; no extension lines. */
export const formatCheckpoint = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${encodeBase64(root)}\n`;

/** Throws Fault invalid_argument for text that is no checkpoint. Extension lines are let pass, as the format wants. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, sizeText = "", rootText = "", ...more] = text.split("\n");
  const size = parseSize(sizeText);
  const root = decodeBase64(rootText);
  const extensions = more.slice(0, -1);
  if (!origin || size === undefined || root?.length !== hashBytes || more.at(-1) !== "" || extensions.includes(""))
    throw invalid("CHECKPOINT_INVALID", "a checkpoint is the log's origin, its size and its root hash, one line each");
  return { origin, size, root };
}

/** A checkpoint whose log signature was verified. Throws Fault invalid_argument when it is forged, unsigned or another log's. */
export function openCheckpoint(note: string, origin: string, keys: readonly NoteKey[]): Checkpoint {
  const parsed = parseNote(note);
  const checkpoint = parseCheckpoint(parsed.text);
  if (checkpoint.origin !== origin)
    throw invalid("CHECKPOINT_INVALID", `the checkpoint is of the log ${checkpoint.origin}, not of ${origin}`);
  verifyNote(parsed, keys);
  return checkpoint;
}
