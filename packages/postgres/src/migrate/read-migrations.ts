import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { Fault } from "@plinth/kernel";

export interface Migration {
  version: number;
  name: string;
  sql: string;
  /** SHA-256 of the file, hexadecimal. */
  checksum: string;
  /** False when the first line says `-- plinth: no-transaction` (CREATE INDEX CONCURRENTLY and the like). */
  transactional: boolean;
}

/** Reads NNNN_name.sql files, in order. Throws a Fault for a file with another name or a number used twice. */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".sql")).sort();
  const migrations = await Promise.all(names.map((name) => readMigration(directory, name)));
  for (const [index, migration] of migrations.entries()) {
    if (migrations[index - 1]?.version === migration.version) {
      throw invalid(
        `two migrations have the number ${migration.version} in ${directory}: give the newer one the next free number`,
      );
    }
  }
  return migrations;
}

async function readMigration(directory: string, fileName: string): Promise<Migration> {
  const match = /^(\d{4})_([a-z0-9_]+)\.sql$/.exec(fileName);
  if (!match) throw invalid(`${path.join(directory, fileName)}: a migration is named like 0001_create_users.sql`);
  const sql = await readFile(path.join(directory, fileName), "utf8");
  return {
    version: Number(match[1]),
    name: match[2] as string,
    sql,
    checksum: createHash("sha256").update(sql).digest("hex"),
    transactional: !/^-- plinth: no-transaction\s*$/m.test(sql.split("\n", 1)[0] ?? ""),
  };
}

const invalid = (message: string): Fault =>
  new Fault({ code: "failed_precondition", reason: "MIGRATION_INVALID", message });
