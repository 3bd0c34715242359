import { type Clock, type Component, Fault, type Health, isFault, type Logger, recordingSpan } from "@plinth/kernel";
import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import pg from "pg";
import { databaseFault, isReadTimeout, isRetryable } from "./database-fault.ts";
import { observePool } from "./pool-metrics.ts";
import { type DatabaseAttributes, databaseAttributes, inStatementSpan, inTransactionSpan } from "./trace-statements.ts";

/** What runs SQL: a database or a transaction in it. Connection problems surface as Fault "unavailable". */
export interface Queryable {
  /**
   * `prepare`: a name for this very text, under which each connection keeps it parsed and, after a few uses, planned. For
   * statements on a hot path, of which there are few; a pooler in between must support named statements.
   */
  query<T>(sql: string, params?: unknown[], prepare?: string): Promise<T[]>;
  readonly drizzle: NodePgDatabase;
}

export interface Transaction extends Queryable {
  /** Distinguishes a transaction from a database in signatures, so that an outbox row is never written outside one. */
  readonly inTransaction: true;
}

export interface TransactionOptions {
  isolation?: "read committed" | "repeatable read" | "serializable";
  readOnly?: boolean;
}

/** A service's own schema. Every statement runs with the role's search_path. */
export interface Database extends Queryable, Component {
  /** Runs `work` in one transaction; runs it again, at most three times in all, after a serialization failure or deadlock. */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** A dedicated connection, for LISTEN and session locks. The caller ends it. */
  connect(): Promise<pg.Client>;
}

export interface DatabaseOptions {
  /** postgres:// URL with the runtime role. */
  url: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  logger: Logger;
  clock: Clock;
  health?: Health;
  /** Connections at most. Default 10. */
  poolMax?: number;
  /** A statement is cancelled after this; a server that does not even do that is given up a second later. Default 5 s. */
  statementTimeoutMs?: number;
  /** Waiting for a free or new connection fails after this. Default 3 s: callers should hear "unavailable" soon. */
  connectTimeoutMs?: number;
}

const attemptsMax = 3;
/** A server that does not answer yet is waited for this long at start; one that refuses is not. */
const startPatienceMs = 60_000;
const startRetryMs = 500;
const pingIntervalMs = 2_000;
const pingTimeoutMs = 2_000;
// The types of pg lack the time-out of a single query.
const ping = { text: "SELECT 1", query_timeout: pingTimeoutMs } as pg.QueryConfig;

export function createDatabase(options: DatabaseOptions): Database {
  const { logger, poolMax = 10, statementTimeoutMs = 5_000, connectTimeoutMs = 3_000 } = options;
  const settings: pg.ClientConfig = {
    connectionString: options.url,
    application_name: options.applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
  };
  const pool = new pg.Pool({
    ...settings,
    max: poolMax,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 1_000,
  });
  // Idle connections break when the server restarts; the pool replaces them, the next query reports trouble if it lasts.
  pool.on("error", (err) => logger.warn({ err }, "idle database connection broke"));
  const attributes = databaseAttributes(options.url);
  const endOfMetrics = observePool(pool, poolMax, attributes["db.namespace"]);
  const closing = new AbortController();
  let problem: string | undefined;
  options.health?.add("database", () => problem);

  async function watch(): Promise<void> {
    while (!closing.signal.aborted) {
      const found = await pool.query(ping).then(
        () => undefined,
        (err: Error) => `PostgreSQL does not answer: ${err.message}`,
      );
      if (found && !problem) logger.error({ problem: found }, "database is unavailable");
      if (!found && problem) logger.info({}, "database is available again");
      problem = found;
      await options.clock.sleep(pingIntervalMs, closing.signal).catch(() => {});
    }
  }

  /** False: not yet, and `patient`. */
  async function answers(patient: boolean): Promise<boolean> {
    try {
      await pool.query(ping);
      return true;
    } catch (err) {
      const server = new URL(options.url).host;
      const fault = databaseFault(err);
      if (patient && isFault(fault) && fault.code === "unavailable") {
        if (!problem) logger.warn({ err, server }, "PostgreSQL does not answer yet, waiting for it");
        problem = `PostgreSQL does not answer: ${(err as Error).message}`;
        return false;
      }
      const message = `PostgreSQL at ${server} cannot be used: ${(err as Error).message}`;
      throw new Fault({ code: "unavailable", reason: "DATABASE_UNAVAILABLE", message, cause: err });
    }
  }

  return {
    name: "database",
    drizzle: drizzle(withFaults(pool, attributes)),
    query: (sql, params, prepare) => inStatementSpan(attributes, sql, () => queryRows(pool, sql, params, prepare)),
    async connect() {
      const client = new pg.Client(settings);
      // Callers that care add a listener of their own.
      client.on("error", () => {});
      await client.connect().catch((err) => Promise.reject(databaseFault(err)));
      return client;
    },
    async transaction(work, txOptions) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await inTransactionSpan(attributes, () => runTransaction(pool, attributes, work, txOptions));
        } catch (err) {
          if (attempt >= attemptsMax || !isRetryable(err)) throw databaseFault(err);
        }
      }
    },
    async start() {
      const untilMs = options.clock.monotonicMs() + startPatienceMs;
      while (!(await answers(options.clock.monotonicMs() < untilMs)) && !closing.signal.aborted) {
        await options.clock.sleep(startRetryMs, closing.signal).catch(() => {});
      }
      problem = undefined;
      void watch();
    },
    async stop() {
      closing.abort();
      endOfMetrics();
      await pool.end();
    },
  };
}

/** The pool as drizzle sees it: what its queries throw tells of a database that is away, as `query` does. */
function withFaults(pool: pg.Pool, attributes: DatabaseAttributes): pg.Pool {
  const query = async (...args: unknown[]) => {
    try {
      return await inStatementSpan(attributes, textOf(args[0]), () =>
        (pool.query as (...all: unknown[]) => Promise<unknown>).apply(pool, args),
      );
    } catch (err) {
      throw databaseFault(err);
    }
  };
  return replaceQuery(pool, query);
}

/** A transaction's connection as drizzle sees it, while it is traced; otherwise the connection itself. */
function traced(client: pg.PoolClient, attributes: DatabaseAttributes): pg.PoolClient {
  if (recordingSpan() === undefined) return client;
  return replaceQuery(client, (...args) =>
    inStatementSpan(attributes, textOf(args[0]), () =>
      (client.query as (...all: unknown[]) => Promise<unknown>).apply(client, args),
    ),
  );
}

const replaceQuery = <T extends object>(of: T, query: (...args: unknown[]) => Promise<unknown>): T =>
  new Proxy(of, { get: (target, name) => (name === "query" ? query : Reflect.get(target, name, target)) });

const textOf = (query: unknown): string =>
  typeof query === "string" ? query : ((query as { text?: string } | undefined)?.text ?? "");

const statement = (text: string, values: unknown[] | undefined, name: string | undefined): pg.QueryConfig => ({
  text,
  ...(values ? { values } : {}),
  ...(name ? { name } : {}),
});

async function queryRows<T>(pool: pg.Pool, sql: string, params?: unknown[], prepare?: string): Promise<T[]> {
  try {
    return (await pool.query(statement(sql, params, prepare))).rows as T[];
  } catch (err) {
    throw databaseFault(err);
  }
}

async function runTransaction<T>(
  pool: pg.Pool,
  attributes: DatabaseAttributes,
  work: (tx: Transaction) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A connection that breaks while it is out of the pool tells so with an event; unheard, it would end the process.
  const onBroken = (err: Error) => {
    broken = err;
  };
  client.on("error", onBroken);
  try {
    const isolation = options.isolation ? ` ISOLATION LEVEL ${options.isolation.toUpperCase()}` : "";
    await client.query(`BEGIN${isolation}${options.readOnly ? " READ ONLY" : ""}`);
    const result = await work({
      inTransaction: true,
      drizzle: drizzle(traced(client, attributes)),
      // Errors stay as they are here: the retry decision above needs the SQLSTATE.
      query: (sql, params, prepare) =>
        inStatementSpan(attributes, sql, async () => (await client.query(statement(sql, params, prepare))).rows),
    });
    await inStatementSpan(attributes, "COMMIT", () => client.query("COMMIT"));
    return result;
  } catch (err) {
    if (isReadTimeout(err)) broken = err;
    else {
      await client.query("ROLLBACK").catch((rollbackError: Error) => {
        broken = rollbackError;
      });
    }
    throw err;
  } finally {
    client.off("error", onBroken);
    client.release(broken);
  }
}
