import { createHmac } from "node:crypto";
import { derivedKey } from "@plinth/kernel";

/** What is derived from the data key of this service; each for one use. */
export interface Secrets {
  /** Encrypts the keys of subjects and of the log. */
  readonly wrapping: Buffer;
  /** Encrypts what is about nobody in particular. */
  readonly own: Buffer;
  /** Keyed hash to find things by that are stored encrypted: 16 bytes. */
  tag(kind: "actor" | "resource" | "subject", value: string): Buffer;
}

/** `master`: the service's data key, asked for at the first use: it is known once the service has started. */
export function deriveSecrets(master: () => Buffer): Secrets {
  const derive = (use: string) => derivedKey(master, `plinth audit ${use}`);
  const [wrapping, own, tagging] = [derive("wrapping"), derive("own"), derive("tags")];
  return {
    get wrapping() {
      return wrapping();
    },
    get own() {
      return own();
    },
    tag: (kind, value) => createHmac("sha256", tagging()).update(`${kind}\0${value}`).digest().subarray(0, 16),
  };
}
