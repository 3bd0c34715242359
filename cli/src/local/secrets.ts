import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { privateFolder, replaceFile } from "./replace-file.ts";

interface StoredSecrets {
  version: 1;
  postgresPassword: string;
  /** By role. */
  databasePasswords: Record<string, string>;
  /** What Secrets are on Kubernetes: name -> entry -> value. Edit the file to give a value of your own. */
  secrets: Record<string, Record<string, string>>;
  /** Private Ed25519 key that signs workload tokens. */
  workloadKey: JWK;
}

/** Secrets of one local platform, made once and kept in a file that only its owner can read. */
export interface Secrets {
  readonly postgresPassword: string;
  readonly workloadKey: JWK;
  /** The password of a database role; made at the first call. */
  databasePassword(role: string): string;
  /** The value of a Secret's entry; 32 random bytes in base64 unless it exists. */
  entry(name: string, key: string): string;
  /** All entries of a Secret that exist. */
  entries(name: string): Record<string, string>;
  /** Writes what was made since the last call. */
  save(): Promise<void>;
}

export async function openSecrets(file: string): Promise<Secrets> {
  await privateFolder(path.dirname(file));
  const existing = await read(file);
  const stored = existing ?? (await newSecrets());
  let dirty = existing === undefined;
  const getOrMake = (values: Record<string, string>, name: string, make: () => string): string => {
    const existing = values[name];
    if (existing !== undefined) return existing;
    dirty = true;
    const value = make();
    values[name] = value;
    return value;
  };
  const secrets: Secrets = {
    postgresPassword: stored.postgresPassword,
    workloadKey: stored.workloadKey,
    databasePassword: (role) => getOrMake(stored.databasePasswords, role, newPassword),
    entry(name, key) {
      const own = stored.secrets[name] ?? {};
      stored.secrets[name] = own;
      return getOrMake(own, key, () => randomBytes(32).toString("base64"));
    },
    entries: (name) => ({ ...stored.secrets[name] }),
    async save() {
      if (dirty) await replaceFile(file, `${JSON.stringify(stored, null, 2)}\n`);
      dirty = false;
    },
  };
  await secrets.save();
  return secrets;
}

async function read(file: string): Promise<StoredSecrets | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw err;
  }
  try {
    const stored = JSON.parse(text) as StoredSecrets;
    if (stored.version === 1) return stored;
  } catch {
    // Falls through to the one message that says what to do.
  }
  throw new Error(`${file} cannot be read as secrets of this version; restore it, or start anew with --reset`);
}

async function newSecrets(): Promise<StoredSecrets> {
  const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  return {
    version: 1,
    postgresPassword: newPassword(),
    databasePasswords: {},
    secrets: {},
    workloadKey: { ...(await exportJWK(privateKey)), alg: "EdDSA", kid: randomBytes(8).toString("hex") },
  };
}

// Base64url: goes into a connection URL as it is.
const newPassword = (): string => randomBytes(24).toString("base64url");
