import { decodeBase64, encodeBase64, parseSize } from "./base64.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { type Hash, hashBytes } from "./hash.ts";
import { invalid } from "./invalid.ts";
import type { NoteKey } from "./note-key.ts";
import { verifyInclusion } from "./verify.ts";

/** A proof that verifies without the log (c2sp.org/tlog-proof), as in files named `.tlog-proof`. */
export interface ProofFile {
  /** Not authenticated by the proof. */
  extra?: Uint8Array;
  index: number;
  hashes: readonly Hash[];
  /** The signed note. */
  checkpoint: string;
}

const header = "c2sp.org/tlog-proof@v1";
const proofHashesMax = 63;

export function formatProofFile({ extra, index, hashes, checkpoint }: ProofFile): string {
  const lines = [
    header,
    ...(extra ? [`extra ${encodeBase64(extra)}`] : []),
    `index ${index}`,
    ...hashes.map(encodeBase64),
  ];
  return `${lines.join("\n")}\n\n${checkpoint}`;
}

/** Throws Fault invalid_argument for text that is no proof. Nothing is verified yet. */
export function parseProofFile(text: string): ProofFile {
  const cut = text.indexOf("\n\n");
  const [first, ...lines] = text.slice(0, Math.max(0, cut)).split("\n");
  const hasExtra = lines[0]?.startsWith("extra ") === true;
  const extra = hasExtra ? decodeBase64((lines.shift() ?? "").slice("extra ".length)) : undefined;
  const indexLine = lines.shift() ?? "";
  const index = indexLine.startsWith("index ") ? parseSize(indexLine.slice("index ".length)) : undefined;
  if (first !== header || index === undefined || (hasExtra && extra === undefined))
    throw invalid("PROOF_INVALID", `a proof begins with ${header} and an index`);
  return { ...(extra ? { extra } : {}), index, hashes: parseHashes(lines), checkpoint: text.slice(cut + 2) };
}

/** One base64 hash per line; throws Fault invalid_argument for anything else. */
export function parseHashes(lines: readonly string[]): Hash[] {
  if (lines.length > proofHashesMax) throw invalid("PROOF_INVALID", `a proof has at most ${proofHashesMax} hashes`);
  return lines.map((line) => {
    const hash = decodeBase64(line);
    if (hash?.length !== hashBytes) throw invalid("PROOF_INVALID", "a proof's hashes are 32 bytes in base64 each");
    return hash;
  });
}

/** Verifies a proof for a leaf with nothing but the log's name and keys. Throws Fault invalid_argument saying what is wrong. */
export function verifyProofFile(
  proof: ProofFile,
  leafHash: Hash,
  { origin, keys }: { origin: string; keys: readonly NoteKey[] },
): Checkpoint {
  const checkpoint = openCheckpoint(proof.checkpoint, origin, keys);
  const { size, root } = checkpoint;
  if (!verifyInclusion({ leafHash, index: proof.index, size, proof: proof.hashes, root }))
    throw invalid("PROOF_INVALID", `the leaf is not at index ${proof.index} of the log`);
  return checkpoint;
}
