import { type Clock, newNonce, openBytes, type Random, sealBytes } from "@plinth/kernel";
import type { Queryable, Transaction } from "@plinth/postgres";
import type { Secrets } from "../sealing/secrets.ts";

/** A key to seal with; `id` undefined: the service's own. */
export interface SealingKey {
  id: string | undefined;
  key: Buffer;
  /** The user was erased: the key is kept nowhere, and nothing to find the entry by is stored. */
  erased: boolean;
}

/** The keys of users. Whoever seals or erases holds the lock of the log's head: one of them comes first. */
export interface SubjectKeys {
  /** The key to seal something about a user with; made at the first call. For an erased user a new one that is kept nowhere. */
  keyFor(tx: Transaction, subject: string | undefined): Promise<SealingKey>;
  /** The keys that are there, by id; those of erased users are missing. */
  open(db: Queryable, ids: readonly string[]): Promise<Map<string, Buffer>>;
  /** Destroys a user's key; remembers the user even when nothing was ever recorded, for what arrives late. */
  eraseIn(tx: Transaction, subject: string): Promise<void>;
}

interface KeyRow {
  id: string;
  wrapped: Buffer | null;
}

const keyBytes = 32;

export function createSubjectKeys(secrets: Secrets, { clock, random }: { clock: Clock; random: Random }): SubjectKeys {
  const unwrap = ({ id, wrapped }: { id: string; wrapped: Buffer }): Buffer =>
    openBytes(secrets.wrapping, `subject key ${id}`, wrapped);

  async function make(tx: Transaction, tag: Buffer): Promise<SealingKey> {
    const now = new Date(clock.now());
    const id = random.uuidv7(clock.now());
    const key = Buffer.from(random.bytes(keyBytes));
    const wrapped = sealBytes(secrets.wrapping, `subject key ${id}`, newNonce(random), key);
    const insert = "INSERT INTO subject_key (id, tag, wrapped, create_time) VALUES ($1, $2, $3, $4)";
    await tx.query(insert, [id, tag, wrapped, now]);
    return { id, key, erased: false };
  }

  return {
    async keyFor(tx, subject) {
      if (subject === undefined) return { id: undefined, key: secrets.own, erased: false };
      const tag = secrets.tag("subject", subject);
      const [row] = await tx.query<KeyRow>("SELECT id, wrapped FROM subject_key WHERE tag = $1", [tag], "subject_key");
      if (row === undefined) return make(tx, tag);
      const { id, wrapped } = row;
      if (wrapped === null) return { id, key: Buffer.from(random.bytes(keyBytes)), erased: true };
      return { id, key: unwrap({ id, wrapped }), erased: false };
    },
    async open(db, ids) {
      if (ids.length === 0) return new Map();
      const select = "SELECT id, wrapped FROM subject_key WHERE id = ANY($1::uuid[]) AND wrapped IS NOT NULL";
      const rows = await db.query<{ id: string; wrapped: Buffer }>(select, [[...new Set(ids)]]);
      return new Map(rows.map((row) => [row.id, unwrap(row)]));
    },
    async eraseIn(tx, subject) {
      const tag = secrets.tag("subject", subject);
      const now = new Date(clock.now());
      await tx.query(
        `INSERT INTO subject_key (id, tag, wrapped, create_time, erase_time) VALUES ($1, $2, NULL, $3, $3)
         ON CONFLICT (tag) DO UPDATE SET wrapped = NULL, erase_time = $3`,
        [random.uuidv7(clock.now()), tag, now],
      );
    },
  };
}
