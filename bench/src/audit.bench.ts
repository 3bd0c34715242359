import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createAuditLog } from "@plinth/audit/log";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@plinth/cli";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { createDatabase, type Database, migrate } from "@plinth/postgres";
import { ensureDatabase, ensureSchema, roleUrl } from "@plinth/postgres/provision";
import pg from "pg";
import { measureAppends } from "./audit/appends.ts";
import { measureFromBus } from "./audit/from-bus.ts";
import { measureSearch } from "./audit/search.ts";
import { measureTrees } from "./audit/trees.ts";
import { measureVerifying } from "./audit/verifying.ts";
import { makeEventSchemas } from "./event-schemas.ts";

const migrations = path.resolve(import.meta.dirname, "../../services/audit/migrations");

/** How much of what is made up: less, to see that the benchmark works. */
export interface AuditScale {
  /** Events that wait on the bus. */
  backlog: number;
  /** Entries that are searched. */
  entries: number;
  /** Leaves, ascending, in steps of 100,000. */
  trees: readonly number[];
}

const fullScale: AuditScale = { backlog: 20_000, entries: 1_000_000, trees: [1_000_000, 10_000_000] };

/** The audit log on a PostgreSQL of its own with its usual settings (it waits for the disk), in one process. */
export async function benchAudit(seconds: number, scale: AuditScale = fullScale): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "plinth-bench-audit-"));
  let postgres: EmbeddedPostgres | undefined;
  try {
    postgres = await startEmbeddedPostgres({
      dataDirectory: path.join(folder, "data"),
      logFile: path.join(folder, "postgres.log"),
      superuserPassword: "bench",
      preferredPort: 15_438,
    });
    const { url, pid } = postgres;
    await withDatabase(url, "events", async (database) => {
      const owner = url("events");
      await makeEventSchemas(owner);
      const load = { backlog: scale.backlog, pacedPerSecond: 100, seconds };
      await measureFromBus(logOn(database), { url: owner, serverPid: pid, ...load });
    });
    await withDatabase(url, "appends", (database) =>
      measureAppends(logOn(database), { database, serverPid: pid, seconds }),
    );
    await withDatabase(url, "search", (database, admin) =>
      measureSearch(logOn(database), { database, admin, total: scale.entries }),
    );
    await withDatabase(url, "trees", (database) => measureTrees(database, seconds, scale.trees));
    await measureVerifying(seconds);
  } finally {
    await postgres?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const logOn = (database: Database) =>
  createAuditLog({
    ...{ database, clock: systemClock, random: systemRandom, logger: silentLogger },
    master: () => Buffer.alloc(32, 1),
    origin: "bench/audit",
    keyOverlapMs: 0,
    retentionMs: undefined,
    witnesses: [],
  });

/** Runs `work` on a new database with the audit schema. */
async function withDatabase(
  url: (database: string) => string,
  name: string,
  work: (database: Database, admin: pg.Client) => Promise<void>,
): Promise<void> {
  const server = new pg.Client({ connectionString: url("postgres") });
  await server.connect();
  await ensureDatabase(server, name);
  await server.end();
  const admin = new pg.Client({ connectionString: url(name) });
  await admin.connect();
  const ddl = { role: `${name}_ddl`, password: "bench" };
  const runtime = { role: `${name}_run`, password: "bench" };
  await ensureSchema(admin, { database: name, schema: "audit", ddl, runtime });
  const common = { logger: silentLogger, clock: systemClock };
  const ddlUrl = roleUrl(url(name), ddl.role, ddl.password);
  await migrate({ ...common, url: ddlUrl, schema: "audit", runtimeRole: runtime.role, directory: migrations });
  const runtimeUrl = roleUrl(url(name), runtime.role, runtime.password);
  const database = createDatabase({
    ...common,
    url: runtimeUrl,
    applicationName: "bench",
    statementTimeoutMs: 600_000,
  });
  try {
    await work(database, admin);
  } finally {
    await database.stop?.(AbortSignal.timeout(5_000));
    await admin.end();
  }
}
