import { newNonce, openBytes, type Random, sealBytes } from "@plinth/kernel";
import {
  canonicalJson,
  commitToBytes,
  decodeBase64,
  encodeBase64,
  type Json,
  saltBytes,
} from "@plinth/transparency-log";

/** A personal part of an entry as it is stored. */
export interface SealedPart {
  /** Salt and canonical JSON, encrypted. */
  sealed: Buffer;
  /** 32 bytes: what the leaf commits to. */
  commitment: Buffer;
}

/** A personal part that could be opened, and the salt that proves it. */
export interface OpenedPart<P> {
  salt: string;
  part: P;
}

export function sealPart(key: Buffer, label: string, part: Json, random: Random): SealedPart {
  const salt = random.bytes(saltBytes);
  const text = Buffer.from(canonicalJson(part));
  return {
    sealed: sealBytes(key, label, newNonce(random), Buffer.concat([salt, text])),
    commitment: Buffer.from(decodeBase64(commitToBytes(salt, text)) as Uint8Array),
  };
}

/** Throws when it is not what was sealed, or not what the entry committed to. */
export function openPart<P>(key: Buffer, label: string, { sealed, commitment }: SealedPart): OpenedPart<P> {
  const bytes = openBytes(key, label, sealed);
  const [salt, text] = [bytes.subarray(0, saltBytes), bytes.subarray(saltBytes)];
  if (commitToBytes(salt, text) !== commitment.toString("base64"))
    throw new Error("is not what the entry committed to");
  return { salt: encodeBase64(salt), part: JSON.parse(text.toString()) as P };
}
