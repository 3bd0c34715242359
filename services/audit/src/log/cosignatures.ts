import { Fault } from "@plinth/kernel";
import type { Database, Queryable } from "@plinth/postgres";
import {
  formatCheckpoint,
  formatKeyId,
  formatNote,
  formatSignature,
  type NoteKey,
  parseCheckpoint,
  parseNote,
  parseSignatures,
  signText,
  treeRoot,
  verifySignature,
} from "@plinth/transparency-log";
import { type LogHead, readHead } from "./log-head.ts";
import type { LogKeys } from "./log-keys.ts";
import { tileHashes } from "./tile-store.ts";

interface Row {
  size: string;
  checkpoint: string;
  line: string;
}

/** The head with the cosignatures of this very checkpoint, as further lines of its note. */
export async function withCosignatures(db: Queryable, head: LogHead): Promise<LogHead> {
  const rows = await db.query<Row>("SELECT * FROM cosignature WHERE size = $1 ORDER BY name, key_id", [head.size]);
  const lines = rows.filter((row) => textOf(row.checkpoint) === textOf(head.checkpoint)).map(({ line }) => line);
  return { ...head, checkpoint: head.checkpoint + lines.join("") };
}

/** The newest checkpoint that a witness has seen. */
export async function readCosigned(db: Queryable, head: LogHead): Promise<LogHead> {
  const rows = await db.query<Row>(
    "SELECT * FROM cosignature WHERE size = (SELECT max(size) FROM cosignature) ORDER BY name, key_id",
  );
  const [first] = rows;
  if (first === undefined) {
    throw new Fault({
      code: "not_found",
      reason: "NO_COSIGNATURE",
      message: "no witness has cosigned this log; PLINTH_AUDIT_WITNESSES names those that are asked",
    });
  }
  const { root, size } = parseCheckpoint(textOf(first.checkpoint));
  const checkpoint = first.checkpoint + rows.map(({ line }) => line).join("");
  return { ...head, size, root: Buffer.from(root), checkpoint };
}

export interface CosignatureStore {
  /**
   * Keeps what a witness answered to the checkpoint of `size`. Lines by unknown keys are left out (c2sp.org/tlog-witness);
   * throws Fault when none is left or one does not verify. An older cosignature never replaces a newer one.
   */
  keep(size: number, lines: string): Promise<void>;
}

export interface CosignatureStoreOptions {
  database: Database;
  keys: LogKeys;
  origin: string;
  witnesses: readonly NoteKey[];
}

export function createCosignatureStore(options: CosignatureStoreOptions): CosignatureStore {
  const { database, keys, origin, witnesses } = options;
  return {
    async keep(size, lines) {
      const head = await readHead(database);
      if (size > head.size) throw refused(`the log has ${head.size} leaves, not ${size} yet`);
      // The tree has grown meanwhile. What was signed then can be told from the tiles, and is signed the same way again.
      const text = formatCheckpoint({ origin, size, root: await treeRoot(size, tileHashes(database)) });
      const known = parseSignatures(lines).flatMap((signature) => {
        const key = witnesses.find(({ name, id }) => name === signature.name && id === signature.keyId);
        return key ? [{ signature, key }] : [];
      });
      if (known.length === 0) throw refused("no line is by a witness that PLINTH_AUDIT_WITNESSES names");
      const wrong = known.find(({ signature, key }) => !verifySignature(text, signature, key));
      if (wrong) throw refused(`the cosignature by ${wrong.key.name} does not verify`);
      await database.transaction(async (tx) => {
        const signatures = (await keys.signers(tx)).map((signer) => signText(text, signer));
        const checkpoint = formatNote({ text, signatures });
        for (const { signature, key } of known) {
          await tx.query(
            `INSERT INTO cosignature AS known (name, key_id, size, checkpoint, line) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name, key_id) DO UPDATE SET size = $3, checkpoint = $4, line = $5 WHERE known.size <= $3`,
            [key.name, formatKeyId(key.id), size, checkpoint, formatSignature(signature)],
          );
        }
      });
    },
  };
}

const textOf = (checkpoint: string): string => parseNote(checkpoint).text;

const refused = (message: string): Fault =>
  new Fault({ code: "failed_precondition", reason: "COSIGNATURE_REFUSED", message });
