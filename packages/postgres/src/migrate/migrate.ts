import path from "node:path";
import { type Clock, Fault, type Logger } from "@plinth/kernel";
import pg from "pg";
import { fileName, type LedgerRow, readLedger } from "./ledger.ts";
import { type Migration, readMigrations } from "./read-migrations.ts";

export interface MigrateOptions {
  /** postgres:// URL of the role that owns the schema. */
  url: string;
  schema: string;
  /** Replaces `{{runtime_role}}` in the files, quoted. */
  runtimeRole: string;
  /** Folder with NNNN_name.sql files. */
  directory: string;
  logger: Logger;
  clock: Clock;
  /** Where the platform's own migrations are. Default: this package's folder. */
  platformDirectory?: string;
  /** How long to wait for another migrator. Default 5 min. */
  lockTimeoutMs?: number;
}

export interface MigrateResult {
  applied: string[];
  /** Numbers that the ledger has and the folder has not: the database is ahead of this version (expand/contract allows that). */
  ahead: number[];
}

/** In the schema that the search path names. */
const ledger = "plinth_migration";

/** Every schema gets these before the service's own files: outbox and inbox. */
const platformDirectory = path.join(import.meta.dirname, "../../migrations");

/**
 * Brings a schema up to date: exactly one migrator works at a time (session advisory lock), each file runs once and in
 * one transaction with its ledger row. Throws Fault failed_precondition for an edited or out-of-order file and names it.
 */
export async function migrate(options: MigrateOptions): Promise<MigrateResult> {
  const sets = [
    { set: "plinth", migrations: await readMigrations(options.platformDirectory ?? platformDirectory) },
    { set: "service", migrations: await readMigrations(options.directory) },
  ];
  const client = new pg.Client({ connectionString: options.url, application_name: `migrate ${options.schema}` });
  // A broken connection fails the query in hand; unheard, its event would end the process as well.
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(`SET search_path = ${pg.escapeIdentifier(options.schema)}`);
    await client.query(`SET lock_timeout = ${options.lockTimeoutMs ?? 300_000}`);
    await client.query("SELECT pg_advisory_lock(hashtextextended($1, 0))", [`plinth.migrate:${options.schema}`]);
    await client.query(
      `CREATE TABLE IF NOT EXISTS plinth_migration (
         set text NOT NULL, version integer NOT NULL, name text NOT NULL, checksum text NOT NULL,
         applied_at timestamptz NOT NULL DEFAULT now(), duration_ms integer NOT NULL, PRIMARY KEY (set, version))`,
    );
    const result: MigrateResult = { applied: [], ahead: [] };
    for (const { set, migrations } of sets) await applySet(client, set, migrations, options, result);
    return result;
  } finally {
    await client.end();
  }
}

/**
 * Names of a service's files that its schema does not have yet; changes nothing. Throws as `migrate` does for an edited or
 * out-of-order file.
 */
export async function pendingMigrations(
  options: Pick<MigrateOptions, "url" | "schema" | "directory">,
): Promise<string[]> {
  const migrations = await readMigrations(options.directory);
  const client = new pg.Client({ connectionString: options.url, application_name: `migrate ${options.schema}` });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(`SET search_path = ${pg.escapeIdentifier(options.schema)}`);
    return notApplied(migrations, await readLedger(client, ledger, "service"), options.schema).map(fileName);
  } finally {
    await client.end();
  }
}

function notApplied(migrations: readonly Migration[], rows: readonly LedgerRow[], schema: string): Migration[] {
  const applied = new Map(rows.map((row) => [row.version, row]));
  const latest = rows.at(-1)?.version ?? 0;
  return migrations.filter((migration) => {
    const row = applied.get(migration.version);
    if (row) refuseEdited(migration, row, schema);
    else if (migration.version < latest) throw outOfOrder(migration, latest);
    return !row;
  });
}

async function applySet(
  client: pg.Client,
  set: string,
  migrations: Migration[],
  options: MigrateOptions,
  result: MigrateResult,
): Promise<void> {
  const rows = await readLedger(client, ledger, set);
  for (const migration of notApplied(migrations, rows, options.schema))
    result.applied.push(await applyOne(client, set, migration, options));
  const known = new Set(migrations.map((m) => m.version));
  result.ahead.push(...rows.filter((row) => !known.has(row.version)).map((row) => row.version));
}

async function applyOne(
  client: pg.Client,
  set: string,
  migration: Migration,
  options: MigrateOptions,
): Promise<string> {
  const label = fileName(migration);
  const sql = migration.sql.replaceAll("{{runtime_role}}", pg.escapeIdentifier(options.runtimeRole));
  const begin = options.clock.monotonicMs();
  if (migration.transactional) await client.query("BEGIN");
  try {
    await client.query(sql);
    await client.query(
      "INSERT INTO plinth_migration (set, version, name, checksum, duration_ms) VALUES ($1, $2, $3, $4, $5)",
      [set, migration.version, migration.name, migration.checksum, Math.round(options.clock.monotonicMs() - begin)],
    );
    if (migration.transactional) await client.query("COMMIT");
  } catch (err) {
    if (migration.transactional) await client.query("ROLLBACK").catch(() => {});
    throw failed(label, sql, err as Error & { position?: string; hint?: string });
  }
  options.logger.info({ schema: options.schema, set, migration: label }, "migration applied");
  return label;
}

function refuseEdited(migration: Migration, row: LedgerRow, schema: string): void {
  if (row.checksum === migration.checksum) return;
  throw new Fault({
    code: "failed_precondition",
    reason: "MIGRATION_EDITED",
    message: `${fileName(migration)} was changed after it had been applied to schema "${schema}". Restore the file and put the change into a new migration.`,
  });
}

function outOfOrder(migration: Migration, latest: number): Fault {
  return new Fault({
    code: "failed_precondition",
    reason: "MIGRATION_OUT_OF_ORDER",
    message: `${fileName(migration)} is older than migration ${latest}, which is applied already. Give it the next free number.`,
  });
}

function failed(label: string, sql: string, err: Error & { position?: string; hint?: string }): Fault {
  const line = err.position ? ` line ${sql.slice(0, Number(err.position) - 1).split("\n").length}` : "";
  return new Fault({
    code: "failed_precondition",
    reason: "MIGRATION_FAILED",
    message: `${label}${line}: ${err.message}${err.hint ? ` (${err.hint})` : ""}`,
    cause: err,
  });
}
