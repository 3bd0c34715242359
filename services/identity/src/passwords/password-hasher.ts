import { pbkdf2, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { type Algorithm, hash, verify } from "@node-rs/argon2";
import type { Component } from "@plinth/kernel";
import { normalizePassword } from "../domain/password-policy.ts";
import type { BcryptWorkers } from "./bcrypt-workers.ts";
import { parseHash } from "./hash-format.ts";
import type { WorkLimit } from "./work-limit.ts";

/** argon2id parameters (RFC 9106). */
export interface HashCost {
  memoryKiB: number;
  iterations: number;
  parallelism: number;
}

export interface PasswordHasher extends Component {
  /** PHC string with the current cost. */
  hash(password: string): Promise<string>;
  /** `stale`: right, and the hash should be made anew with the current algorithm and cost. */
  verify(password: string, stored: string | undefined): Promise<"wrong" | "right" | "stale">;
}

const derive = {
  pbkdf2: promisify(pbkdf2),
  scrypt: promisify(scrypt) as (p: string, s: Buffer, l: number, o: object) => Promise<Buffer>,
};
const scryptMemoryMax = 256 << 20;

/**
 * Hashes with argon2id and verifies that and imported formats. Without a stored hash it verifies against a real dummy
 * hash of the current cost, so that unknown users take as long as known ones.
 */
export function createPasswordHasher(cost: HashCost, limit: WorkLimit, bcrypt: BcryptWorkers): PasswordHasher {
  const options = {
    algorithm: 2 satisfies Algorithm.Argon2id as Algorithm,
    memoryCost: cost.memoryKiB,
    timeCost: cost.iterations,
    parallelism: cost.parallelism,
  };
  let dummy = "";

  async function matches(password: string, stored: string): Promise<boolean> {
    const format = parseHash(stored);
    switch (format?.kind) {
      case "argon2id":
        return verify(stored, password);
      case "bcrypt":
        return bcrypt.verify(password, stored);
      case "scrypt": {
        const { logN, r, p, salt, hash: expected } = format;
        return equal(
          await derive.scrypt(password, salt, expected.length, { N: 2 ** logN, r, p, maxmem: scryptMemoryMax }),
          expected,
        );
      }
      case "pbkdf2":
        return equal(
          await derive.pbkdf2(password, format.salt, format.iterations, format.hash.length, format.digest),
          format.hash,
        );
      case undefined:
        return false;
    }
  }

  function isStale(stored: string): boolean {
    const format = parseHash(stored);
    if (format?.kind !== "argon2id") return true;
    return (
      format.memoryKiB !== cost.memoryKiB ||
      format.iterations !== cost.iterations ||
      format.parallelism !== cost.parallelism
    );
  }

  return {
    name: "password hasher",
    async start() {
      dummy = await hash("a password that nobody has", options);
    },
    hash: (password) => limit.run(() => hash(normalizePassword(password), options)),
    verify: (password, stored) =>
      limit.run(async () => {
        const right = await matches(normalizePassword(password), stored ?? dummy);
        if (!right || stored === undefined) return "wrong";
        return isStale(stored) ? "stale" : "right";
      }),
  };
}

const equal = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);
