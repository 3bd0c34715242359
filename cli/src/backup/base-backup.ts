import { createReadStream, type Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import pg from "pg";
import { type TarEntry, textEntry } from "../archive/tar.ts";

/** Made anew at the start, belongs to one run, or is no data: what pg_basebackup leaves out as well. */
const emptied = new Set([
  "pg_wal",
  "pg_dynshmem",
  "pg_notify",
  "pg_replslot",
  "pg_serial",
  "pg_snapshots",
  "pg_stat_tmp",
  "pg_subtrans",
]);
const leftOut = new Set(["postmaster.pid", "postmaster.opts", "current_logfiles", "backup_label", "backup_label.old"]);
const temporary = /^pgsql_tmp|^pg_internal\.init/;

const connectTimeoutMs = 10_000;

/**
 * A PostgreSQL that runs, as files: a base backup by its backup functions (PostgreSQL manual, 25.3.4), with the log of changes
 * from its start to its end, so that the copy comes up by itself. A temporary replication slot keeps that log from being
 * recycled meanwhile. Nobody is held up. Entries are named below `prefix`.
 */
export async function* baseBackup(url: string, data: string, prefix: string): AsyncGenerator<TarEntry> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: "plinth backup",
  });
  // A broken connection fails the query in hand; unheard, its event would end the process as well.
  client.on("error", () => {});
  await client.connect();
  try {
    const slot = `plinth_backup_${process.pid}`;
    await client.query("SELECT pg_create_physical_replication_slot($1, true, true)", [slot]);
    const start = await one<{ lsn: string }>(client, "SELECT pg_backup_start('plinth backup', fast => true) AS lsn");
    yield* filesOf(data, prefix);
    const end = await one<{ lsn: string; labelfile: string }>(
      client,
      "SELECT lsn, labelfile FROM pg_backup_stop(wait_for_archive => false)",
    );
    yield textEntry(`${prefix}backup_label`, end.labelfile, 0);
    const [first, last] = [await segmentOf(client, start.lsn), await segmentOf(client, end.lsn)];
    yield* walOf(data, prefix, first, last);
  } finally {
    // Ends the backup and the slot as well, should it be half-way.
    await client.end();
  }
}

async function one<T>(client: pg.Client, sql: string, values: unknown[] = []): Promise<T> {
  return (await client.query(sql, values)).rows[0] as T;
}

const segmentOf = async (client: pg.Client, lsn: string): Promise<string> =>
  (await one<{ name: string }>(client, "SELECT pg_walfile_name($1::pg_lsn) AS name", [lsn])).name;

/** Everything but the log of changes. Files may change while they are read: the log puts that right. */
async function* filesOf(data: string, prefix: string, below = ""): AsyncGenerator<TarEntry> {
  const folder = path.join(data, below);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if ((below === "" && leftOut.has(entry.name)) || temporary.test(entry.name)) continue;
    const name = path.posix.join(below, entry.name);
    if (entry.isDirectory()) {
      yield folderEntry(`${prefix}${name}/`);
      if (below === "" && emptied.has(entry.name)) continue;
      yield* filesOf(data, prefix, name);
    } else if (entry.isFile()) {
      const file = await fileEntry(folder, entry, `${prefix}${name}`);
      if (file) yield file;
    }
  }
  if (below === "") yield folderEntry(`${prefix}pg_wal/archive_status/`);
}

const folderEntry = (name: string): TarEntry => ({ name, mode: 0o700, mtimeMs: 0, sizeBytes: 0, content: [] });

/** Undefined for a file that went meanwhile: its table was dropped. */
async function fileEntry(folder: string, entry: Dirent, name: string): Promise<TarEntry | undefined> {
  const file = path.join(folder, entry.name);
  const found = await stat(file).catch(() => undefined);
  if (!found) return undefined;
  return { name, mode: 0o600, mtimeMs: found.mtimeMs, sizeBytes: found.size, content: bytesOf(file) };
}

async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file);
  } catch (err) {
    // Dropped since its size was read: zeros, which the log of changes drops again.
    if ((err as NodeJS.ErrnoException).code !== "ENOENT") throw err;
  }
}

/** Segments between two names, both included, and the histories of timelines. */
async function* walOf(data: string, prefix: string, first: string, last: string): AsyncGenerator<TarEntry> {
  const folder = path.join(data, "pg_wal");
  const entries = await readdir(folder, { withFileTypes: true });
  const segments = entries.filter(({ name }) => /^[0-9A-F]{24}$/.test(name) && name >= first && name <= last);
  if (!segments.some(({ name }) => name === first) || !segments.some(({ name }) => name === last)) {
    throw new Error(`the log of changes from ${first} to ${last} is not all there: back up once more`);
  }
  const histories = entries.filter(({ name }) => name.endsWith(".history"));
  for (const entry of [...histories, ...segments.toSorted((a, b) => (a.name < b.name ? -1 : 1))]) {
    const file = await fileEntry(folder, entry, `${prefix}pg_wal/${entry.name}`);
    if (file) yield file;
  }
}
