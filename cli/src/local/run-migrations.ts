import { spawn } from "node:child_process";
import path from "node:path";
import { type Clock, isFault, type Logger, parseDurationMs } from "@plinth/kernel";
import { migrate, pendingMigrations } from "@plinth/postgres/migrate";
import type { SchemaAccess } from "./databases.ts";
import { isFolder } from "./is-folder.ts";
import type { LocalService } from "./local-service.ts";

export interface RunMigrationsOptions {
  service: LocalService;
  access: SchemaAccess;
  logger: Logger;
  clock: Clock;
  /** A folder without files: every schema gets the platform's own tables (outbox, inbox), whatever else it has. */
  emptyDirectory: string;
  /** Receives the output of a migration tool of the service's own. */
  print: (line: string) => void;
}

/** Brings the service's schema up to date and returns the names of what was applied. */
export async function runMigrations(options: RunMigrationsOptions): Promise<string[]> {
  const { service } = options;
  const migrations = service.manifest.spec.database?.migrations;
  // The path in the manifest is the one inside the image; the files themselves lie beside the manifest.
  const directory = path.join(service.folder, "migrations");
  if (migrations?.path !== undefined && !(await isFolder(directory))) {
    throw new Error(`${service.name}: the manifest has migrations, but there is no folder ${directory}`);
  }
  const applied = await applyFiles(options, migrations?.path === undefined ? options.emptyDirectory : directory);
  if (migrations?.command) await runTool(migrations.command, parseDurationMs(migrations.timeout), options);
  return applied;
}

export interface MigrationCheck {
  /** Files that are not applied yet. */
  pending: string[];
  /** What is wrong with the others, for a person; empty when nothing is. */
  problem: string;
}

/** Compares the service's files with what its schema has; changes nothing. */
export async function checkMigrations(service: LocalService, access: SchemaAccess): Promise<MigrationCheck> {
  const directory = path.join(service.folder, "migrations");
  const { schema, ddlUrl: url } = access;
  try {
    return { pending: await pendingMigrations({ url, schema, directory }), problem: "" };
  } catch (err) {
    return { pending: [], problem: describe(err as Error) };
  }
}

async function applyFiles(options: RunMigrationsOptions, directory: string): Promise<string[]> {
  const { service, access, logger, clock } = options;
  const { schema, runtimeRole, ddlUrl: url } = access;
  try {
    return (await migrate({ url, schema, runtimeRole, directory, logger, clock })).applied;
  } catch (err) {
    throw new Error(`${service.name}: the database could not be migrated: ${describe(err as Error)}`, { cause: err });
  }
}

function describe(err: Error): string {
  const cause = isFault(err) && err.cause instanceof Error ? ` (${err.cause.message})` : "";
  return `${err.message}${cause}`;
}

function runTool(command: string[], timeoutMs: number, options: RunMigrationsOptions): Promise<void> {
  const [program = "", ...args] = command;
  const { service, access, print } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: path.join(service.folder, service.manifest.spec.local?.dir ?? "."),
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"], DATABASE_URL: access.ddlUrl },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => text.trimEnd().split("\n").forEach(print));
    }
    child.once("error", (err) => reject(new Error(`${service.name}: migrations.command cannot run: ${err.message}`)));
    child.once("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${service.name}: migrations.command ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}
