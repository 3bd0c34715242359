import { readdir, writeFile } from "node:fs/promises";
import { type Clock, isFault, type Logger } from "@plinth/kernel";
import { migrate } from "@plinth/postgres/migrate";
import pg from "pg";
import type { MigratorConfig } from "./config.ts";

/** Exit codes: 0 done, 1 worth another try, 2 wrong configuration, 3 no retry can help. */
export const migratorExitCodes = { ok: 0, again: 1, usage: 2, hopeless: 3 } as const;

export interface MigratorOptions {
  config: MigratorConfig;
  logger: Logger;
  clock: Clock;
}

/** Kubernetes keeps this much of a container's last words. */
const reportBytesMax = 4_096;

/** Applies pending migrations; says what came of it in the log and, for the operator, in the report file. */
export async function runMigrator(options: MigratorOptions): Promise<number> {
  const { config, logger, clock } = options;
  try {
    const result = await migrate({
      url: bounded(config.databaseUrl, config.timeoutMs),
      schema: config.schema,
      runtimeRole: config.runtimeRole,
      directory: config.path,
      platformDirectory: config.platformPath,
      lockTimeoutMs: config.timeoutMs,
      logger,
      clock,
    });
    logger.info({ schema: config.schema, applied: result.applied, ahead: result.ahead }, "schema is up to date");
    await report(options, undefined);
    return migratorExitCodes.ok;
  } catch (err) {
    logger.error({ err, schema: config.schema }, "schema could not be migrated");
    await report(options, err as Error);
    return isFault(err) && err.code === "failed_precondition" ? migratorExitCodes.hopeless : migratorExitCodes.again;
  }
}

/** Ends a statement that takes longer; the Job's deadline bounds the whole. */
function bounded(databaseUrl: string, timeoutMs: number): string {
  const url = new URL(databaseUrl);
  url.searchParams.set("statement_timeout", String(timeoutMs));
  return url.href;
}

async function report({ config, logger }: MigratorOptions, err: Error | undefined): Promise<void> {
  const files = await countFiles(config.path);
  const done = await countApplied(config).catch(() => undefined);
  const counts =
    done === undefined ? [] : [`result: applied=${Math.min(done, files)} pending=${Math.max(0, files - done)}`];
  const text = [...(err ? [err.message] : []), ...counts].join("\n");
  await writeFile(config.reportFile, Buffer.from(text, "utf8").subarray(0, reportBytesMax)).catch((failure: unknown) =>
    logger.warn({ err: failure, file: config.reportFile }, "the report was not written"),
  );
}

const countFiles = async (folder: string): Promise<number> =>
  (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".sql")).length;

async function countApplied(config: MigratorConfig): Promise<number> {
  const client = new pg.Client({ connectionString: config.databaseUrl, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {});
  await client.connect();
  try {
    const ledger = `${pg.escapeIdentifier(config.schema)}.plinth_migration`;
    const { rows } = await client.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM ${ledger} WHERE set = 'service'`,
    );
    return rows[0]?.n ?? 0;
  } finally {
    await client.end();
  }
}
