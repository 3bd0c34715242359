import { decodeBase64 } from "./base64.ts";
import type { Json } from "./canonical-json.ts";
import { decodeLeaf, type EntryLeaf, encodeLeaf, opensTo } from "./entry-leaf.ts";
import { type Hash, leafHash } from "./hash.ts";
import { invalid } from "./invalid.ts";
import { parseHashes } from "./proof-file.ts";

/** A personal part and the salt that proves it. */
export interface Opening {
  salt: string;
  part: Json;
}

/** A line of an export: an entry and what proves it. */
export interface ExportedEntry {
  leaf: EntryLeaf;
  leafHash: Hash;
  /** Missing when the user was erased. */
  who: Opening | undefined;
  what: Opening | undefined;
  /** What the log has as this leaf's hash. */
  logged: Hash | undefined;
  proof: readonly Hash[] | undefined;
}

/** Reads a line of an export; throws Fault invalid_argument when it is none. */
export function parseExportedEntry(text: string): ExportedEntry {
  const value = parseObject(text);
  const leaf = decodeLeaf(value["leaf"]);
  const proof = value["proof"];
  const logged = value["hash"];
  return {
    leaf,
    leafHash: leafHash(encodeLeaf(leaf)),
    who: parseOpening(value["who"]),
    what: parseOpening(value["what"]),
    logged: logged === undefined ? undefined : parseHashes([String(logged)])[0],
    proof: Array.isArray(proof) ? parseHashes(proof.map(String)) : undefined,
  };
}

/** What an entry says in its personal parts is what was logged. Throws Fault invalid_argument otherwise. */
export function verifyOpenings({ leaf, who, what }: Pick<ExportedEntry, "leaf" | "who" | "what">): void {
  if (who && !opensTo(leaf.who, who)) throw invalid("PROOF_INVALID", "actor or IP address are not what was logged");
  if (what && !opensTo(leaf.what, what))
    throw invalid("PROOF_INVALID", "resource, details or payload are not what was logged");
}

export function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Falls through to the one message.
  }
  throw invalid("PROOF_INVALID", "is not a line of an export in JSON");
}

function parseOpening(value: unknown): Opening | undefined {
  if (value === undefined) return undefined;
  const { salt, part } = value as { salt?: unknown; part?: Json };
  if (typeof salt === "string" && decodeBase64(salt) && part !== undefined) return { salt, part };
  throw invalid("PROOF_INVALID", "a personal part lacks its salt");
}
