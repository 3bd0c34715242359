import { hash, hkdfSync } from "node:crypto";
import { newNonce, openBytes, type Random, sealBytes } from "@plinth/kernel";

const tokenBytes = 32;

/** An opaque refresh token: 256 random bits. The prefix lets secret scanners find leaked ones. */
export const newRefreshToken = (random: Random): string =>
  `plinth_rt_${Buffer.from(random.bytes(tokenBytes)).toString("base64url")}`;

/** What is stored of a token. */
export const refreshTokenHash = (token: string): Buffer => hash("sha256", token, "buffer");

/** Encrypts the successor so that only who shows the predecessor again can read it: the database alone cannot. */
export function sealSuccessor(predecessor: string, successor: string, random: Random): Buffer {
  // Bound to its place by its key alone, which is derived from the predecessor.
  return sealBytes(keyFrom(predecessor), "", newNonce(random), Buffer.from(successor));
}

export function openSuccessor(predecessor: string, sealed: Buffer): string {
  return openBytes(keyFrom(predecessor), "", sealed).toString();
}

const keyFrom = (token: string): Buffer => Buffer.from(hkdfSync("sha256", token, "", "plinth refresh successor", 32));
