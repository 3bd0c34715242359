import { createReadStream, createWriteStream } from "node:fs";
import { access, mkdir, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { type ReadEntry, readTar } from "../archive/tar.ts";
import {
  type BackupManifest,
  endName,
  keptFiles,
  manifestName,
  postgresPrefix,
  readBackupManifest,
} from "../backup/manifest.ts";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { control } from "../local/control-socket.ts";
import { type LocalPaths, localPaths } from "../local/local-paths.ts";
import { postgresFolder, postgresVersion } from "../local/postgres-binaries.ts";
import { privateFolder } from "../local/replace-file.ts";
import { chooseUnprivileged, giveAwayAll } from "../local/unprivileged.ts";
import type { Terminal } from "../terminal.ts";

/** Unpacks a backup into a folder that has no platform yet. */
export async function restore(file: string, options: { data: string }, terminal: Terminal): Promise<number> {
  const paths = localPaths(path.resolve(options.data));
  await refuseExisting(paths);
  await privateFolder(paths.home);
  const staging = path.join(paths.home, "restore.partial");
  await rm(staging, { recursive: true, force: true });
  await privateFolder(staging);
  try {
    const manifest = await unpack(file, staging);
    await privateFolder(path.dirname(paths.postgresData));
    await giveAwayAll(chooseUnprivileged(), path.join(staging, postgresPrefix));
    for (const name of keptFiles) await moveIfThere(path.join(staging, name), path.join(paths.home, name));
    // Last: data without its passwords would be of no use.
    await rename(path.join(staging, postgresPrefix), paths.postgresData);
    terminal.line(
      `restored the platform of ${manifest.createTime} into ${paths.home}, ${keptFiles.join(" and ")} with mode 0600`,
    );
    terminal.line(`Start it with: plinth up --data ${options.data}`);
    return exitCodes.ok;
  } catch (err) {
    throw new CommandFailure(`${file} cannot be restored: ${(err as Error).message}`);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function refuseExisting(paths: LocalPaths): Promise<void> {
  if (await control(paths.controlSocket).status()) {
    throw new CommandFailure(`a platform runs on ${paths.home}: stop it with plinth down, and name an empty folder`);
  }
  for (const taken of [paths.postgresData, paths.secrets, paths.admin]) {
    const there = await access(taken).then(
      () => true,
      () => false,
    );
    if (there) {
      throw new CommandFailure(`${taken} exists: name an empty folder with --data, or move ${paths.home} away first`);
    }
  }
}

async function unpack(file: string, staging: string): Promise<BackupManifest> {
  const source = createReadStream(file);
  const unzipped = createGunzip();
  // Ends both, whatever ends first.
  const flowing = pipeline(source, unzipped);
  flowing.catch(() => {});
  let manifest: BackupManifest | undefined;
  let whole = false;
  for await (const entry of readTar(unzipped)) {
    if (entry.name === manifestName) {
      manifest = readBackupManifest(await textOf(entry));
      await refuseOtherPostgres(manifest);
    } else if (!manifest) throw new Error("it is no backup of Plinth");
    else if (entry.name === endName) whole = true;
    else await unpackOne(entry, staging);
  }
  if (!manifest || !whole) throw new Error("it ends early: it was not copied whole");
  return manifest;
}

async function refuseOtherPostgres({ postgres }: BackupManifest): Promise<void> {
  const current = await postgresVersion(postgresFolder());
  if (current.split(".")[0] === postgres) return;
  throw new Error(
    `its data is of PostgreSQL ${postgres}, this release has ${current}: restore it with the release that made it`,
  );
}

async function unpackOne(entry: ReadEntry, staging: string): Promise<void> {
  const target = path.join(staging, entry.name);
  const allowed = entry.name.startsWith(postgresPrefix) || (keptFiles as readonly string[]).includes(entry.name);
  if (!allowed || !target.startsWith(`${staging}${path.sep}`))
    throw new Error(`it holds ${entry.name}, which no backup has`);
  await mkdir(entry.isFolder ? target : path.dirname(target), { recursive: true, mode: 0o700 });
  if (!entry.isFolder) await pipeline(entry.content(), createWriteStream(target, { mode: 0o600, flags: "wx" }));
}

async function textOf(entry: ReadEntry): Promise<string> {
  const parts: Buffer[] = [];
  for await (const piece of entry.content()) parts.push(piece);
  return Buffer.concat(parts).toString("utf8");
}

async function moveIfThere(from: string, to: string): Promise<void> {
  const there = await readFile(from).catch(() => undefined);
  if (there !== undefined) await rename(from, to);
}
