import { hkdfSync } from "node:crypto";
import { type Component, type Logger, newNonce, openBytes, type Random, sealBytes } from "@plinth/kernel";
import type { Database, Transaction } from "./database.ts";

/**
 * The key that a service encrypts its data with. It lies in the service's schema, in table `data_key`, encrypted with the key
 * encryption key that the service is configured with: that one can be replaced without a change of what is stored.
 */
export interface DataKey extends Component {
  /** 32 bytes. Throws before it was read, at start. */
  key(): Buffer;
}

export interface DataKeyOptions {
  database: Pick<Database, "transaction">;
  random: Random;
  logger: Logger;
  /** The name of the setting that `current` comes from; the one for `previous` is called the same with _PREVIOUS. */
  setting: string;
  /** The key encryption key, 32 bytes. */
  current: Buffer;
  /** The one before, while a new one is introduced. */
  previous: Buffer | undefined;
  /**
   * Data of releases without this table was encrypted with the key of the setting itself: what opens some of it, and throws
   * with another key. Undefined when there is no such data.
   */
  earlier: (tx: Transaction) => Promise<((key: Buffer) => unknown) | undefined>;
}

interface Row {
  sealed_with: string;
  sealed: Buffer;
}

const keyBytes = 32;

/**
 * While both settings are given the data key is stored under both, so that instances with either of them start; the first
 * instance that starts with one alone removes the other.
 */
export function createDataKey(options: DataKeyOptions): DataKey {
  const { database, random, logger, setting, current, previous, earlier } = options;
  let found: Buffer | undefined;

  async function store(tx: Transaction, key: Buffer): Promise<void> {
    const sealed = sealBytes(current, labelOf(current), newNonce(random), key);
    await tx.query("INSERT INTO data_key (sealed_with, sealed) VALUES ($1, $2)", [nameOf(current), sealed]);
  }

  async function first(tx: Transaction): Promise<Buffer> {
    const open = await earlier(tx);
    if (open === undefined) return Buffer.from(random.bytes(keyBytes));
    const key = [current, previous].find((candidate) => candidate !== undefined && succeeds(() => open(candidate)));
    if (key === undefined) throw unreadable(setting);
    return key;
  }

  async function read(tx: Transaction): Promise<Buffer> {
    await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('plinth.data-key:' || current_schema(), 0))");
    const rows = await tx.query<Row>("SELECT sealed_with, sealed FROM data_key");
    const openWith = (kek: Buffer | undefined): Buffer | undefined => {
      const row = kek && rows.find(({ sealed_with: name }) => name === nameOf(kek));
      return row && openBytes(kek, labelOf(kek), row.sealed);
    };
    const own = openWith(current);
    if (own !== undefined) {
      if (previous === undefined && rows.length > 1) {
        await tx.query("DELETE FROM data_key WHERE sealed_with <> $1", [nameOf(current)]);
        logger.info({ setting }, "the key encryption key before opens nothing any more");
      }
      return own;
    }
    const key = rows.length === 0 ? await first(tx) : openWith(previous);
    if (key === undefined) throw unreadable(setting);
    await store(tx, key);
    if (rows.length > 0) logger.info({ setting }, "the data key is encrypted with the new key encryption key as well");
    return key;
  }

  return {
    name: "data key",
    async start() {
      found = await database.transaction(read);
    },
    key() {
      if (found === undefined) throw new Error("the data key is read when the service starts");
      return found;
    },
  };
}

function succeeds(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

/** Tells keys apart and nothing about them. */
const nameOf = (key: Buffer): string => Buffer.from(hkdfSync("sha256", key, "", "plinth key name", 8)).toString("hex");

const labelOf = (key: Buffer): string => `data key ${nameOf(key)}`;

const unreadable = (setting: string): Error =>
  new Error(
    `${setting} is not the key that this database was encrypted with: bring that one back, or give it as ${setting}_PREVIOUS beside the new one`,
  );
