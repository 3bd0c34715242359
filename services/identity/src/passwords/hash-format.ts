import { Fault } from "@plinth/kernel";

/** A stored password hash, read. */
export type HashFormat =
  | { kind: "argon2id"; memoryKiB: number; iterations: number; parallelism: number }
  | { kind: "bcrypt"; cost: number }
  | { kind: "scrypt"; logN: number; r: number; p: number; salt: Buffer; hash: Buffer }
  | { kind: "pbkdf2"; digest: "sha256" | "sha512"; iterations: number; salt: Buffer; hash: Buffer };

/** Costs of imported hashes at most: a single sign-in must not take a core for seconds. */
export const costMax = {
  argon2MemoryKiB: 1 << 20,
  argon2Iterations: 10,
  argon2Parallelism: 16,
  bcrypt: 15,
  scryptLogN: 17,
  scryptR: 8,
  scryptP: 10,
  pbkdf2: 10_000_000,
};

const bytes = (base64: string | undefined): Buffer => Buffer.from(base64 ?? "", "base64");

/** Reads a PHC string (argon2id, scrypt, pbkdf2) or a bcrypt string; undefined for anything else. */
export function parseHash(text: string): HashFormat | undefined {
  const argon2 = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}$/.exec(text);
  if (argon2)
    return {
      kind: "argon2id",
      memoryKiB: Number(argon2[1]),
      iterations: Number(argon2[2]),
      parallelism: Number(argon2[3]),
    };
  const bcrypt = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(text);
  if (bcrypt) return { kind: "bcrypt", cost: Number(bcrypt[1]) };
  const scrypt = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)$/.exec(text);
  if (scrypt)
    return {
      kind: "scrypt",
      logN: Number(scrypt[1]),
      r: Number(scrypt[2]),
      p: Number(scrypt[3]),
      salt: bytes(scrypt[4]),
      hash: bytes(scrypt[5]),
    };
  const pbkdf2 = /^\$pbkdf2-(sha256|sha512)\$i=(\d+)(?:,l=\d+)?\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)$/.exec(text);
  if (pbkdf2)
    return {
      kind: "pbkdf2",
      digest: pbkdf2[1] as "sha256" | "sha512",
      iterations: Number(pbkdf2[2]),
      salt: bytes(pbkdf2[3]),
      hash: bytes(pbkdf2[4]),
    };
  return undefined;
}

/** Throws Fault invalid_argument for a hash that cannot be imported, and says why. */
export function requireImportable(text: string): void {
  const format = parseHash(text);
  if (!format) throw refused("password_hash is not a bcrypt, argon2id, scrypt or pbkdf2 string that can be read");
  const tooCostly = exceeds(format);
  if (tooCostly) throw refused(`password_hash costs too much to verify: ${tooCostly}`);
}

const refused = (message: string): Fault =>
  new Fault({
    code: "invalid_argument",
    reason: "PASSWORD_HASH_UNSUPPORTED",
    message,
    details: { field: "password_hash" },
  });

function exceeds(format: HashFormat): string | undefined {
  const above = (name: string, value: number, max: number) =>
    value > max ? `${name} ${value} is above ${max}` : undefined;
  switch (format.kind) {
    case "argon2id":
      return (
        above("memory", format.memoryKiB, costMax.argon2MemoryKiB) ??
        above("iterations", format.iterations, costMax.argon2Iterations) ??
        above("parallelism", format.parallelism, costMax.argon2Parallelism)
      );
    case "bcrypt":
      return above("cost", format.cost, costMax.bcrypt);
    case "scrypt":
      return (
        above("ln", format.logN, costMax.scryptLogN) ??
        above("r", format.r, costMax.scryptR) ??
        above("p", format.p, costMax.scryptP)
      );
    case "pbkdf2":
      return above("iterations", format.iterations, costMax.pbkdf2);
  }
}
