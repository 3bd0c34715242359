import { createCipheriv, createDecipheriv, hash, hkdfSync } from "node:crypto";
import type { Random } from "@plinth/kernel";

const tokenBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** An opaque refresh token: 256 random bits. The prefix lets secret scanners find leaked ones. */
export const newRefreshToken = (random: Random): string =>
  `plinth_rt_${Buffer.from(random.bytes(tokenBytes)).toString("base64url")}`;

/** What is stored of a token. */
export const refreshTokenHash = (token: string): Buffer => hash("sha256", token, "buffer");

/** Encrypts the successor so that only who shows the predecessor again can read it: the database alone cannot. */
export function sealSuccessor(predecessor: string, successor: string, random: Random): Buffer {
  const nonce = Buffer.from(random.bytes(nonceBytes));
  const cipher = createCipheriv("aes-256-gcm", keyFrom(predecessor), nonce);
  return Buffer.concat([nonce, cipher.update(successor, "utf8"), cipher.final(), cipher.getAuthTag()]);
}

export function openSuccessor(predecessor: string, sealed: Buffer): string {
  const decipher = createDecipheriv("aes-256-gcm", keyFrom(predecessor), sealed.subarray(0, nonceBytes));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString("utf8");
}

const keyFrom = (token: string): Buffer => Buffer.from(hkdfSync("sha256", token, "", "plinth refresh successor", 32));
