import { createHmac, hkdfSync } from "node:crypto";

/** What is derived from the one secret of this service (HKDF, RFC 5869); each for one use. */
export interface Secrets {
  /** Encrypts the keys of subjects and of the log. */
  wrapping: Buffer;
  /** Encrypts what is about nobody in particular. */
  own: Buffer;
  /** Keyed hash to find things by that are stored encrypted: 16 bytes. */
  tag(kind: "actor" | "resource" | "subject", value: string): Buffer;
}

export function deriveSecrets(master: Buffer): Secrets {
  const derive = (use: string): Buffer => Buffer.from(hkdfSync("sha256", master, "", `plinth audit ${use}`, 32));
  const tagging = derive("tags");
  return {
    wrapping: derive("wrapping"),
    own: derive("own"),
    tag: (kind, value) => createHmac("sha256", tagging).update(`${kind}\0${value}`).digest().subarray(0, 16),
  };
}
