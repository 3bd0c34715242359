import type { EventContext } from "@plinth/bus";
import { type Clock, type Component, Fault, type Logger, type Random } from "@plinth/kernel";
import type { Database, Transaction } from "@plinth/postgres";
import { eq, gt, ne, or } from "drizzle-orm";
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import { signingKeyRotated } from "../events/auth-events.ts";
import { signingKeyTable } from "../store/schema.ts";
import { openJson, sealJson } from "./sealed-json.ts";

/** The keys that sign access tokens: one active, the next one published ahead, retired ones published until their tokens ended. */
export interface KeyRing extends Component {
  active(): Promise<{ kid: string; key: CryptoKey }>;
  /** JWK set (RFC 7517 section 5) as JSON. */
  jwksJson(): Promise<string>;
  /** Signs with the next key from now on. Returns its key id. */
  rotate(context: EventContext): Promise<{ kid: string; previousKid: string }>;
}

export interface KeyRingOptions {
  database: Database;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** 32 bytes that private keys are encrypted with; asked for when they are needed. */
  dataKey: () => Buffer;
  /** An active key is replaced after this. */
  rotationMs: number;
  /** A retired key stays published for this: longer than any token it signed. */
  overlapMs: number;
}

type KeyRow = typeof signingKeyTable.$inferSelect;

/** Opens a signing key with a data key, and throws with another one; undefined while there are none. */
export async function opensSigningKey(tx: Transaction): Promise<((key: Buffer) => unknown) | undefined> {
  const [row] = await tx.drizzle.select().from(signingKeyTable).limit(1);
  return row && ((key) => openJson(key, row.kid, row.sealedPrivateJwk));
}

/** Other instances' rotations are noticed within this. */
const refreshMs = 10_000;
const system: EventContext = { actor: "service:auth", requestId: "key-rotation", traceparent: undefined };

export function createKeyRing(options: KeyRingOptions): KeyRing {
  const { database, clock, random, logger, dataKey, rotationMs, overlapMs } = options;
  const stopping = new AbortController();
  let loaded: { active: { kid: string; key: CryptoKey }; jwksJson: string; atMs: number } | undefined;

  async function newKey(tx: Transaction, state: "active" | "next"): Promise<KeyRow> {
    const { privateKey, publicKey } = await generateKeyPair("EdDSA", { extractable: true });
    const kid = random.uuidv7(clock.now());
    const publicJwk: JWK = { ...(await exportJWK(publicKey)), kid, alg: "EdDSA", use: "sig" };
    const now = new Date(clock.now());
    const sealedPrivateJwk = sealJson(dataKey(), kid, await exportJWK(privateKey));
    const values = {
      kid,
      publicJwk,
      sealedPrivateJwk,
      state,
      createTime: now,
      activateTime: state === "active" ? now : null,
    };
    const [row] = await tx.drizzle.insert(signingKeyTable).values(values).returning();
    return row as KeyRow;
  }

  /** One instance at a time decides about keys. */
  async function lock(tx: Transaction): Promise<void> {
    await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('plinth.auth.keys:' || current_schema(), 0))");
  }

  async function ensureKeys(): Promise<void> {
    await database.transaction(async (tx) => {
      await lock(tx);
      const rows = await tx.drizzle.select().from(signingKeyTable);
      if (!rows.some((row) => row.state === "active")) await newKey(tx, "active");
      if (!rows.some((row) => row.state === "next")) await newKey(tx, "next");
    });
  }

  async function rotateIn(tx: Transaction, context: EventContext): Promise<{ kid: string; previousKid: string }> {
    const rows = await tx.drizzle.select().from(signingKeyTable);
    const active = rows.find((row) => row.state === "active") as KeyRow;
    const next = rows.find((row) => row.state === "next") as KeyRow;
    const now = new Date(clock.now());
    const retired = { state: "retired" as const, retireTime: new Date(clock.now() + overlapMs) };
    await tx.drizzle.update(signingKeyTable).set(retired).where(eq(signingKeyTable.kid, active.kid));
    await tx.drizzle
      .update(signingKeyTable)
      .set({ state: "active", activateTime: now })
      .where(eq(signingKeyTable.kid, next.kid));
    await newKey(tx, "next");
    await signingKeyRotated({ kid: next.kid, previousKid: active.kid })(tx, context);
    return { kid: next.kid, previousKid: active.kid };
  }

  async function load(): Promise<NonNullable<typeof loaded>> {
    const published = or(ne(signingKeyTable.state, "retired"), gt(signingKeyTable.retireTime, new Date(clock.now())));
    const rows = await database.drizzle
      .select()
      .from(signingKeyTable)
      .where(published)
      .orderBy(signingKeyTable.createTime);
    const row = rows.find((candidate) => candidate.state === "active");
    if (!row)
      throw new Fault({
        code: "unavailable",
        reason: "KEYS_UNAVAILABLE",
        message: "there is no signing key yet, try again shortly",
        retryAfterMs: 1_000,
      });
    const key = loaded?.active.kid === row.kid ? loaded.active.key : await openKey(row);
    loaded = {
      active: { kid: row.kid, key },
      jwksJson: JSON.stringify({ keys: rows.map((r) => r.publicJwk) }),
      atMs: clock.monotonicMs(),
    };
    return loaded;
  }

  async function openKey(row: KeyRow): Promise<CryptoKey> {
    try {
      return (await importJWK(openJson(dataKey(), row.kid, row.sealedPrivateJwk) as JWK, "EdDSA")) as CryptoKey;
    } catch (err) {
      throw new Error(
        "the signing key cannot be decrypted: the tables signing_key and data_key were not written by the same platform",
        { cause: err },
      );
    }
  }

  async function current(): Promise<NonNullable<typeof loaded>> {
    if (loaded && clock.monotonicMs() - loaded.atMs < refreshMs) return loaded;
    // With the database away the keys in memory go on signing.
    return load().catch((err) => (loaded ? loaded : Promise.reject(err)));
  }

  async function rotateWhenDue(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(60_000, stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
      await database
        .transaction(async (tx) => {
          await lock(tx);
          const [active] = await tx.drizzle.select().from(signingKeyTable).where(eq(signingKeyTable.state, "active"));
          if (active?.activateTime && clock.now() - active.activateTime.getTime() >= rotationMs)
            await rotateIn(tx, system);
        })
        .catch((err) => logger.warn({ err }, "signing key rotation is put off"));
    }
  }

  return {
    name: "signing keys",
    async start() {
      await ensureKeys();
      await load();
      void rotateWhenDue();
    },
    async stop() {
      stopping.abort();
    },
    active: async () => (await current()).active,
    jwksJson: async () => (await current()).jwksJson,
    async rotate(context) {
      const rotated = await database.transaction(async (tx) => {
        await lock(tx);
        return rotateIn(tx, context);
      });
      await load();
      return rotated;
    },
  };
}
