import { access, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { systemClock } from "@plinth/kernel";
import { type TarEntry, textEntry } from "../archive/tar.ts";
import { writeArchive } from "../archive/write-archive.ts";
import { baseBackup } from "../backup/base-backup.ts";
import { type BackupManifest, endName, keptFiles, manifestName, postgresPrefix } from "../backup/manifest.ts";
import { superuserUrl } from "../checks/local/local-context.ts";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { control } from "../local/control-socket.ts";
import { startEmbeddedPostgres } from "../local/embedded-postgres.ts";
import { type LocalPaths, localPaths } from "../local/local-paths.ts";
import { preferredPostgresPort } from "../local/preferred-ports.ts";
import { openSecrets } from "../local/secrets.ts";
import type { Terminal } from "../terminal.ts";

const mebibyte = 1024 * 1024;

/** Writes everything that a platform of this machine keeps into one file, while it runs or not. */
export async function backup(file: string, options: { data: string }, terminal: Terminal): Promise<number> {
  const paths = localPaths(path.resolve(options.data));
  const target = path.resolve(file);
  await refuseExisting(target);
  const postgres = await readFile(path.join(paths.postgresData, "PG_VERSION"), "utf8").catch(() => undefined);
  if (postgres === undefined) throw new CommandFailure(`there is no data in ${paths.home} to back up`);
  const { url, stop } = await server(paths);
  try {
    await writeArchive(target, entriesOf(paths, url, postgres.trim()));
  } finally {
    await stop();
  }
  const { size } = await stat(target);
  terminal.line(`wrote ${target}, ${(size / mebibyte).toFixed(1)} MiB: the database, ${keptFiles.join(" and ")}`);
  terminal.line("It holds every password and key of the platform; only you can read it (mode 0600). Keep it that way.");
  terminal.line(`Bring it back with: plinth restore ${file} --data FOLDER`);
  return exitCodes.ok;
}

async function refuseExisting(file: string): Promise<void> {
  const there = await access(file).then(
    () => true,
    () => false,
  );
  if (there) throw new CommandFailure(`${file} exists: name another file, or remove it first`);
}

/** The PostgreSQL of the platform that runs; else one that is started for the backup alone. */
async function server(paths: LocalPaths): Promise<{ url: string; stop(): Promise<void> }> {
  if (await control(paths.controlSocket).status()) return { url: await superuserUrl(paths), stop: async () => {} };
  const { postgresPassword } = await openSecrets(paths.secrets);
  const started = await startEmbeddedPostgres({
    dataDirectory: paths.postgresData,
    logFile: path.join(paths.logs, "postgres.log"),
    superuserPassword: postgresPassword,
    preferredPort: preferredPostgresPort,
  });
  return { url: started.url("postgres"), stop: () => started.stop() };
}

async function* entriesOf(paths: LocalPaths, url: string, postgres: string): AsyncGenerator<TarEntry> {
  const nowMs = systemClock.now();
  const createTime = new Date(nowMs).toISOString();
  const manifest: BackupManifest = { kind: "plinth-backup", version: 1, createTime, postgres };
  yield textEntry(manifestName, `${JSON.stringify(manifest, null, 2)}\n`, nowMs);
  yield* baseBackup(url, paths.postgresData, postgresPrefix);
  // After the database: whatever role is in it by now has its password here.
  for (const name of keptFiles) {
    const text = await readFile(path.join(paths.home, name), "utf8").catch(() => undefined);
    if (text !== undefined) yield textEntry(name, text, nowMs);
  }
  yield textEntry(endName, "", nowMs);
}
