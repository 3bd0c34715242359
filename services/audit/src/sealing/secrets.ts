import { createHmac, hkdfSync } from "node:crypto";

/** What is derived from the data key of this service (HKDF, RFC 5869); each for one use. */
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
  const derive = (use: string) => once(() => Buffer.from(hkdfSync("sha256", master(), "", `plinth audit ${use}`, 32)));
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

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
