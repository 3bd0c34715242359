import { type Clock, newNonce, openBytes, type Random, sealBytes } from "@plinth/kernel";
import type { Queryable, Transaction } from "@plinth/postgres";
import type { Subject } from "../domain/personal-parts.ts";
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
  /** The keys to seal something about these users with; made for those who have none. For an erased user a new one that is kept nowhere. */
  keysFor(tx: Transaction, subjects: readonly Subject[]): Promise<(subject: Subject) => SealingKey>;
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

  async function find(tx: Transaction, tags: readonly Buffer[]): Promise<Map<number, SealingKey>> {
    const rows = await tx.query<KeyRow & { at: string }>(
      `SELECT asked.at, id, wrapped FROM unnest($1::bytea[]) WITH ORDINALITY AS asked (tag, at) JOIN subject_key USING (tag)`,
      [tags],
      "subject_keys",
    );
    return new Map(rows.map(({ at, ...row }) => [Number(at) - 1, sealingKey(row)]));
  }

  function sealingKey({ id, wrapped }: KeyRow): SealingKey {
    if (wrapped === null) return { id, key: Buffer.from(random.bytes(keyBytes)), erased: true };
    return { id, key: unwrap({ id, wrapped }), erased: false };
  }

  async function make(tx: Transaction, tags: readonly Buffer[]): Promise<SealingKey[]> {
    const made = tags.map(() => ({ id: random.uuidv7(clock.now()), key: Buffer.from(random.bytes(keyBytes)) }));
    const wrapped = made.map(({ id, key }) => sealBytes(secrets.wrapping, `subject key ${id}`, newNonce(random), key));
    await tx.query(
      `INSERT INTO subject_key (id, tag, wrapped, create_time)
       SELECT id, tag, wrapped, $4 FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS made (id, tag, wrapped)`,
      [made.map(({ id }) => id), tags, wrapped, new Date(clock.now())],
      "make_subject_keys",
    );
    return made.map((key) => ({ ...key, erased: false }));
  }

  const own = (): SealingKey => ({ id: undefined, key: secrets.own, erased: false });

  return {
    async keysFor(tx, subjects) {
      const known = [...new Set(subjects)].filter((subject) => subject !== undefined);
      if (known.length === 0) return own;
      const tags = known.map((subject) => secrets.tag("subject", subject));
      const found = await find(tx, tags);
      const missing = known.flatMap((_, at) => (found.has(at) ? [] : [at]));
      const made =
        missing.length === 0
          ? []
          : await make(
              tx,
              missing.map((at) => tags[at] as Buffer),
            );
      for (const [nth, at] of missing.entries()) found.set(at, made[nth] as SealingKey);
      const keys = new Map(known.map((subject, at) => [subject, found.get(at) as SealingKey]));
      return (subject) => (subject === undefined ? own() : (keys.get(subject) as SealingKey));
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
