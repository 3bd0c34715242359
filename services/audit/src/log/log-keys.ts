import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { appendEvent, type EventContext } from "@plinth/bus";
import { type Clock, Fault, newNonce, openBytes, type Random, sealBytes } from "@plinth/kernel";
import type { Database, Queryable, Transaction } from "@plinth/postgres";
import { LogKeyRotatedSchema } from "@plinth/proto/plinth/audit/v1/events";
import { formatKeyId, type NoteKey, type NoteSigner, noteKey, signerFromSeed } from "@plinth/transparency-log";
import { deriveSecrets, type Secrets } from "../sealing/secrets.ts";
import { lockLogHead } from "./log-head.ts";

export interface LogKey {
  key: NoteKey;
  createTime: Date;
  /** It signs until then; undefined for the current key. */
  retireTime: Date | undefined;
}

/**
 * The keys that checkpoints are signed with. There is one current key; the one before signs beside it until its time is
 * over, so that verifiers who know either have a signature to check.
 */
export interface LogKeys {
  /** Those that sign now, the current one first. Makes the first key. The caller holds the lock of the log's head. */
  signers(tx: Transaction): Promise<NoteSigner[]>;
  /** Every key of this log, newest first, those that sign no more included: their old checkpoints are to be verified as well. */
  list(): Promise<LogKey[]>;
  /** Makes a new current key, and tells who wanted it. */
  rotate(cause: EventContext): Promise<LogKey>;
  /** Throws Fault unless the keys can be decrypted: with another secret nothing that is stored could be read. */
  check(): Promise<void>;
}

export interface LogKeysOptions {
  database: Database;
  secrets: Secrets;
  clock: Clock;
  random: Random;
  /** The name of the keys. */
  origin: string;
  /** A replaced key goes on signing for this. */
  overlapMs: number;
}

interface KeyRow {
  id: string;
  name: string;
  public_key: Buffer;
  sealed_seed: Buffer;
  create_time: Date;
  retire_time: Date | null;
}

const seedBytes = 32;

export function createLogKeys({ database, secrets, clock, random, origin, overlapMs }: LogKeysOptions): LogKeys {
  async function make(tx: Transaction): Promise<{ signer: NoteSigner; createTime: Date }> {
    const seed = random.bytes(seedBytes);
    const signer = signerFromSeed(origin, seed);
    const id = formatKeyId(signer.key.id);
    const createTime = new Date(clock.now());
    const sealed = sealBytes(secrets.wrapping, `log key ${id}`, newNonce(random), seed);
    await tx.query("INSERT INTO log_key (id, name, public_key, sealed_seed, create_time) VALUES ($1, $2, $3, $4, $5)", [
      id,
      origin,
      signer.key.publicKey,
      sealed,
      createTime,
    ]);
    return { signer, createTime };
  }

  const rowsOf = (db: Queryable): Promise<KeyRow[]> =>
    db.query(
      `SELECT id, name, public_key, sealed_seed, create_time, retire_time FROM log_key
       WHERE name = $1 ORDER BY create_time DESC, id`,
      [origin],
      "log_keys",
    );

  return {
    async signers(tx) {
      const rows = await rowsOf(tx);
      const signing = rows.filter(({ retire_time: until }) => until === null || until.getTime() > clock.now());
      if (!rows.some(({ retire_time: until }) => until === null)) return [(await make(tx)).signer];
      return signing.map((row) => openSigner(row, secrets));
    },
    async list() {
      return (await rowsOf(database)).map(toLogKey);
    },
    async check() {
      for (const row of await rowsOf(database)) openSigner(row, secrets);
    },
    async rotate(cause) {
      return database.transaction(async (tx) => {
        await lockLogHead(tx);
        const until = new Date(clock.now() + overlapMs);
        const replaced = await tx.query<{ id: string }>(
          "UPDATE log_key SET retire_time = $1 WHERE name = $2 AND retire_time IS NULL RETURNING id",
          [until, origin],
        );
        const { signer, createTime } = await make(tx);
        const retireTime = timestampFromDate(until);
        await appendEvent(tx, {
          ...{ topic: "audit.log.v1", key: origin, subject: `logs/${origin}`, schema: LogKeyRotatedSchema },
          message: { keyId: formatKeyId(signer.key.id), previousKeyId: replaced[0]?.id ?? "", retireTime },
          context: cause,
        });
        return { key: signer.key, createTime, retireTime: undefined };
      });
    },
  };
}

/** Opens a key of the log with a data key, and throws with another one; undefined while there are none. */
export async function opensLogKey(db: Queryable): Promise<((master: Buffer) => unknown) | undefined> {
  const [row] = await db.query<KeyRow>("SELECT id, sealed_seed FROM log_key LIMIT 1");
  return (
    row &&
    ((master) =>
      openSeed(
        row,
        deriveSecrets(() => master),
      ))
  );
}

const openSeed = ({ id, sealed_seed: sealed }: KeyRow, secrets: Secrets): Buffer =>
  openBytes(secrets.wrapping, `log key ${id}`, sealed);

function openSigner(row: KeyRow, secrets: Secrets): NoteSigner {
  try {
    return signerFromSeed(row.name, openSeed(row, secrets));
  } catch (cause) {
    throw new Fault({
      code: "internal",
      reason: "LOG_KEY_UNREADABLE",
      message:
        "the audit log's key cannot be decrypted: the tables log_key and data_key were not written by the same platform",
      cause,
    });
  }
}

const toLogKey = (row: KeyRow): LogKey => ({
  key: noteKey(row.name, row.public_key),
  createTime: row.create_time,
  retireTime: row.retire_time ?? undefined,
});
