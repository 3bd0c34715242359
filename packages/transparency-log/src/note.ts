import { sign, verify } from "node:crypto";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { invalid } from "./invalid.ts";
import { formatKeyId, type NoteKey, type NoteSigner, publicKeyObject, signatureTypes } from "./note-key.ts";

export interface NoteSignature {
  name: string;
  keyId: number;
  /** Without the key id. */
  bytes: Uint8Array;
}

/** A signed note (c2sp.org/signed-note): text that ends in a newline, and its signatures. */
export interface Note {
  text: string;
  signatures: readonly NoteSignature[];
}

/** Signatures that one note may have; the format asks for at least 16. */
const signaturesMax = 64;
const noteCharsMax = 65_536;
const signatureLine = /^— ([^\s+]+) ([A-Za-z0-9+/=]+)$/u;
const keyIdBytes = 4;
const timeBytes = 8;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the format forbids them, except newlines
const control = /[\u0000-\u0009\u000b-\u001f]/;

/** Throws Fault invalid_argument when the text is no signed note. Nothing is verified yet. */
export function parseNote(note: string): Note {
  const cut = note.lastIndexOf("\n\n");
  if (note.length > noteCharsMax || cut < 0 || control.test(note) || !note.endsWith("\n"))
    throw invalid("CHECKPOINT_INVALID", "a signed note is text, an empty line and signatures, each line ended");
  return { text: note.slice(0, cut + 1), signatures: parseSignatures(note.slice(cut + 2)) };
}

/** Signature lines without the rest of their note: what a witness answers (c2sp.org/tlog-witness, "add-checkpoint"). */
export function parseSignatures(lines: string): NoteSignature[] {
  const all = lines.split("\n").slice(0, -1);
  if (!lines.endsWith("\n") || all.length === 0 || all.length > signaturesMax)
    throw invalid("CHECKPOINT_INVALID", `a note has 1 to ${signaturesMax} signature lines`);
  return all.map((line) => {
    const [, name, encoded = ""] = signatureLine.exec(line) ?? [];
    const bytes = decodeBase64(encoded);
    if (name === undefined || bytes === undefined || bytes.length <= keyIdBytes)
      throw invalid("CHECKPOINT_INVALID", "a signature line is a dash, the key's name and base64");
    return { name, keyId: Buffer.from(bytes).readUInt32BE(), bytes: bytes.subarray(keyIdBytes) };
  });
}

export const formatNote = ({ text, signatures }: Note): string =>
  `${text}\n${signatures.map(formatSignature).join("")}`;

export function formatSignature({ name, keyId, bytes }: NoteSignature): string {
  const id = Buffer.alloc(keyIdBytes);
  id.writeUInt32BE(keyId);
  return `— ${name} ${encodeBase64(Buffer.concat([id, bytes]))}\n`;
}

/**
 * Signs a note's text. `timeS`, seconds since 1970, is part of a cosignature (c2sp.org/tlog-cosignature, "Ed25519 signed
 * message") and of nothing else: the same text and key always give the same plain signature.
 */
export function signText(text: string, { key, privateKey }: NoteSigner, timeS = 0): NoteSignature {
  const signature = sign(null, signedMessage(text, key, timeS), privateKey);
  const bytes = key.type === signatureTypes.cosignature ? Buffer.concat([timeOf(timeS), signature]) : signature;
  return { name: key.name, keyId: key.id, bytes: new Uint8Array(bytes) };
}

/**
 * The signatures by known keys. Throws Fault invalid_argument when one of them is wrong or there is none (c2sp.org/signed-note,
 * "Signatures"); those by unknown keys are ignored.
 */
export function verifyNote({ text, signatures }: Note, keys: readonly NoteKey[]): NoteSignature[] {
  const known = signatures.flatMap((signature) => {
    const key = keys.find(({ name, id }) => name === signature.name && id === signature.keyId);
    return key ? [{ signature, key }] : [];
  });
  const wrong = known.find(({ signature, key }) => !verifySignature(text, signature, key));
  if (wrong) throw invalid("CHECKPOINT_INVALID", `the signature by ${wrong.key.name} does not verify`);
  if (known.length === 0) {
    const seen = signatures.map(({ name, keyId }) => `${name}+${formatKeyId(keyId)}`).join(", ");
    throw invalid("CHECKPOINT_INVALID", `no signature is by a known key; there are ${seen}`);
  }
  return known.map(({ signature }) => signature);
}

export function verifySignature(text: string, { bytes }: NoteSignature, key: NoteKey): boolean {
  if (key.type !== signatureTypes.cosignature) return verify(null, Buffer.from(text), publicKeyObject(key), bytes);
  const timeS = cosignatureTimeS(bytes);
  if (timeS === undefined) return false;
  return verify(null, signedMessage(text, key, timeS), publicKeyObject(key), bytes.subarray(timeBytes));
}

/** When a cosignature was made, in seconds since 1970; undefined for one that is too short or too far away. */
export function cosignatureTimeS(bytes: Uint8Array): number | undefined {
  if (bytes.length <= timeBytes) return undefined;
  const timeS = Number(Buffer.from(bytes).readBigUInt64BE());
  return Number.isSafeInteger(timeS) ? timeS : undefined;
}

function signedMessage(text: string, key: NoteKey, timeS: number): Buffer {
  return Buffer.from(key.type === signatureTypes.cosignature ? `cosignature/v1\ntime ${timeS}\n${text}` : text);
}

function timeOf(timeS: number): Buffer {
  const bytes = Buffer.alloc(timeBytes);
  bytes.writeBigUInt64BE(BigInt(timeS));
  return bytes;
}
