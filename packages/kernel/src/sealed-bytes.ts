import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";

const nonceBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM: nonce, ciphertext, tag. `nonce` is random and used once; `label` binds the bytes to their place, so that
 * rows cannot be swapped.
 */
export function sealBytes(key: Buffer, label: string, nonce: Uint8Array, bytes: Uint8Array): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(label));
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** Throws when the key, the label or the bytes are not what was sealed. */
export function openBytes(key: Buffer, label: string, sealed: Uint8Array): Buffer {
  if (sealed.length < nonceBytes + tagBytes) throw new Error("too short to be sealed");
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceBytes)).setAAD(Buffer.from(label));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]);
}

export const newNonce = (random: { bytes(length: number): Uint8Array }): Uint8Array => random.bytes(nonceBytes);

/** A key for one use, made of a master key (HKDF, RFC 5869): 32 bytes. The master is asked for at the first call. */
export function derivedKey(master: () => Buffer, use: string): () => Buffer {
  let made: Buffer | undefined;
  return () => {
    made ??= Buffer.from(hkdfSync("sha256", master(), "", use, 32));
    return made;
  };
}
