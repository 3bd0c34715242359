import { newNonce, openBytes, sealBytes, systemRandom } from "@plinth/kernel";

/** AES-256-GCM with a random nonce; `label` binds the text to its place, so that rows cannot be swapped. */
export const sealJson = (key: Buffer, label: string, value: unknown): Buffer =>
  sealBytes(key, label, newNonce(systemRandom), Buffer.from(JSON.stringify(value)));

/** Throws when the key, the label or the text is not the one that was sealed. */
export const openJson = (key: Buffer, label: string, sealed: Buffer): unknown =>
  JSON.parse(openBytes(key, label, sealed).toString());
