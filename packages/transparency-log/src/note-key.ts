import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { sha256 } from "./hash.ts";
import { invalid } from "./invalid.ts";

/** Signature types of c2sp.org/signed-note and c2sp.org/tlog-cosignature that this package knows. */
export const signatureTypes = { ed25519: 0x01, cosignature: 0x04 } as const;
export type SignatureType = (typeof signatureTypes)[keyof typeof signatureTypes];

/** A public Ed25519 key under a name (c2sp.org/signed-note, "Verifier keys"). */
export interface NoteKey {
  name: string;
  /** The first four bytes of SHA-256(name, 0x0A, type, public key), as a number. */
  id: number;
  type: SignatureType;
  /** 32 bytes (RFC 8032). */
  publicKey: Uint8Array;
}

export interface NoteSigner {
  key: NoteKey;
  /** Stays with the caller: nothing here writes it anywhere. */
  privateKey: KeyObject;
}

const nameForm = /^[^\s+\p{C}]{1,255}$/u;
const seedPrefix = Buffer.from("302e020100300506032b657004220420", "hex"); // PKCS #8 of an Ed25519 seed (RFC 8410)
const publicPrefix = Buffer.from("302a300506032b6570032100", "hex"); // SubjectPublicKeyInfo of Ed25519 (RFC 8410)

export function noteKey(name: string, publicKey: Uint8Array, type: SignatureType = signatureTypes.ed25519): NoteKey {
  if (!nameForm.test(name)) throw invalid("KEY_INVALID", "a key's name has neither spaces nor plus signs");
  if (publicKey.length !== 32) throw invalid("KEY_INVALID", "an Ed25519 public key has 32 bytes");
  const id = Buffer.from(sha256(Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), publicKey]))).readUInt32BE();
  return { name, id, type, publicKey };
}

/** `NAME+ID+BASE64`, the text form in which verifiers get a key. */
export const formatNoteKey = ({ name, id, type, publicKey }: NoteKey): string =>
  `${name}+${formatKeyId(id)}+${Buffer.concat([Buffer.of(type), publicKey]).toString("base64")}`;

export const formatKeyId = (id: number): string => id.toString(16).padStart(8, "0");

/** Throws Fault invalid_argument for anything that `formatNoteKey` would not write. */
export function parseNoteKey(text: string): NoteKey {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  if (name === undefined || encoded === undefined)
    throw invalid("KEY_INVALID", "a key looks like NAME+0123abcd+BASE64");
  const bytes = Buffer.from(encoded, "base64");
  const type = Object.values(signatureTypes).find((known) => known === bytes[0]);
  if (type === undefined) throw invalid("KEY_INVALID", `the key of ${name} is none for Ed25519`);
  const key = noteKey(name, new Uint8Array(bytes.subarray(1)), type);
  if (formatKeyId(key.id) !== id) throw invalid("KEY_INVALID", `the key of ${name} does not fit its id ${id}`);
  return key;
}

/** A signer from its 32-byte seed (RFC 8032 section 5.1.5). */
export function signerFromSeed(
  name: string,
  seed: Uint8Array,
  type: SignatureType = signatureTypes.ed25519,
): NoteSigner {
  const privateKey = createPrivateKey({ key: Buffer.concat([seedPrefix, seed]), format: "der", type: "pkcs8" });
  return { key: noteKey(name, rawPublicKey(createPublicKey(privateKey)), type), privateKey };
}

export const publicKeyObject = ({ publicKey }: NoteKey): KeyObject =>
  createPublicKey({ key: Buffer.concat([publicPrefix, publicKey]), format: "der", type: "spki" });

const rawPublicKey = (key: KeyObject): Uint8Array =>
  new Uint8Array(key.export({ format: "der", type: "spki" }).subarray(-32));
