import { encodeBase64, parseSize } from "./base64.ts";
import type { Hash } from "./hash.ts";
import { invalid } from "./invalid.ts";
import { parseHashes } from "./proof-file.ts";

/** What a witness is asked to cosign (c2sp.org/tlog-witness, "add-checkpoint"). */
export interface WitnessRequest {
  /** Size of the checkpoint that it cosigned last; 0 for none. */
  oldSize: number;
  /** From the old size; none from 0. */
  proof: readonly Hash[];
  /** The signed note. */
  checkpoint: string;
}

export const formatWitnessRequest = ({ oldSize, proof, checkpoint }: WitnessRequest): string =>
  `old ${oldSize}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join("")}\n${checkpoint}`;

/** Throws Fault invalid_argument for text that is no such request. */
export function parseWitnessRequest(text: string): WitnessRequest {
  const cut = text.indexOf("\n\n");
  const [first = "", ...lines] = text.slice(0, Math.max(0, cut)).split("\n");
  const oldSize = first.startsWith("old ") ? parseSize(first.slice("old ".length)) : undefined;
  if (oldSize === undefined) throw invalid("PROOF_INVALID", "a request to a witness begins with the old size");
  return { oldSize, proof: parseHashes(lines), checkpoint: text.slice(cut + 2) };
}
