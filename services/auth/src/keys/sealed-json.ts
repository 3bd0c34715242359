import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const nonceBytes = 12;
const tagBytes = 16;

/** AES-256-GCM with a random nonce; `label` binds the text to its place, so that rows cannot be swapped. */
export function sealJson(key: Buffer, label: string, value: unknown): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(label));
  return Buffer.concat([nonce, cipher.update(JSON.stringify(value), "utf8"), cipher.final(), cipher.getAuthTag()]);
}

/** Throws when the key, the label or the text is not the one that was sealed. */
export function openJson(key: Buffer, label: string, sealed: Buffer): unknown {
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceBytes)).setAAD(Buffer.from(label));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  return JSON.parse(
    Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString("utf8"),
  );
}
