import { decodeBase64, encodeBase64 } from "./base64.ts";
import { canonicalJson, type Json } from "./canonical-json.ts";
import { hashBytes, sha256 } from "./hash.ts";
import { invalid } from "./invalid.ts";

/**
 * An audit entry as the log commits to it: the leaf is its canonical JSON (RFC 8785) in UTF-8. What is personal is only
 * bound to, never contained: a leaf stays valid, and tells nothing, when the personal part is erased. docs/audit.md
 * describes each field.
 */
export interface EntryLeaf {
  /** Version of this form. */
  v: 1;
  /** From 1, without gaps: the index of the leaf plus one. */
  sequence: number;
  id: string;
  /** RFC 3339 in UTC with milliseconds, as are all times here. */
  time: string;
  record_time: string;
  source: string;
  /** Number among the records of its source; 0 for a source that does not number them. */
  source_sequence: number;
  action: string;
  outcome: string;
  request_id: string;
  trace_id: string;
  /** Actor and IP address. */
  who: Binding;
  /** Resource, details and payload. */
  what: Binding;
}

/** What binds a leaf to a personal part. */
export interface Binding {
  /** SHA-256 of salt and canonical JSON, base64: whoever is given both can check them, nobody can guess them. */
  commitment: string;
  /** SHA-256 of the encrypted bytes as they are stored, base64: anybody can check those without a key. */
  sealed: string;
}

export const saltBytes = 32;
const bindingFields = ["commitment", "sealed"];
const textFields = ["id", "time", "record_time", "source", "action", "outcome", "request_id", "trace_id"] as const;

export const encodeLeaf = (leaf: EntryLeaf): Uint8Array => Buffer.from(canonicalJson(leaf as unknown as Json));

/** Throws Fault invalid_argument for anything that `encodeLeaf` would not make from a leaf. */
export function decodeLeaf(value: unknown): EntryLeaf {
  const leaf = value as EntryLeaf;
  const fields = ["v", "sequence", "source_sequence", "who", "what", ...textFields];
  const fits =
    isObject(leaf, fields) &&
    leaf.v === 1 &&
    [leaf.sequence, leaf.source_sequence].every(Number.isSafeInteger) &&
    textFields.every((name) => typeof leaf[name] === "string") &&
    [leaf.who, leaf.what].every((binding) => isObject(binding, bindingFields) && isHash(binding.commitment)) &&
    [leaf.who, leaf.what].every((binding) => isHash(binding.sealed));
  if (!fits) throw invalid("PROOF_INVALID", "a leaf lacks a field, or has one too many or of another type");
  return leaf;
}

/** The commitment to a personal part. */
export const commitTo = (salt: Uint8Array, part: Json): string => commitToBytes(salt, Buffer.from(canonicalJson(part)));

/** As `commitTo`, of the part's canonical JSON in UTF-8. */
export const commitToBytes = (salt: Uint8Array, part: Uint8Array): string =>
  encodeBase64(sha256(Buffer.concat([salt, part])));

/** True when this is the personal part that was logged. */
export function opensTo(binding: Binding, opening: { salt: string; part: Json }): boolean {
  const salt = decodeBase64(opening.salt);
  return salt?.length === saltBytes && commitTo(salt, opening.part) === binding.commitment;
}

const isHash = (value: unknown): boolean => typeof value === "string" && decodeBase64(value)?.length === hashBytes;

function isObject(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  const own = Object.keys(value);
  return own.length === names.length && names.every((name) => own.includes(name));
}
