import { backoffMs, type Clock, type Logger, type Random } from "@plinth/kernel";
import { createDatabase } from "@plinth/postgres";
import type pg from "pg";
import type { Endpoint, Resolver } from "../discovery.ts";
import { defaultLeaseMs, discoveryChannel } from "./schema.ts";

export interface PostgresResolverOptions {
  /** postgres:// URL of the role plinth_discovery. */
  url: string;
  applicationName: string;
  logger: Logger;
  clock: Clock;
  random: Random;
  /** The registry's lease. Default 6 s. */
  leaseMs?: number;
}

interface Watched {
  endpoints: readonly Endpoint[] | undefined;
  listeners: Set<(endpoints: readonly Endpoint[]) => void>;
}

const reconnect = { initialMs: 50, maxMs: 2_000 };

/**
 * Follows the registry's rows: LISTEN tells of changes, a look every third of a lease finds leases that ended. While
 * the database is away the last known endpoints stay, and for one lease after it is back nobody is dropped, so that
 * everyone has time to renew.
 */
export function createPostgresResolver(options: PostgresResolverOptions): Resolver {
  const { logger, clock, random, leaseMs = defaultLeaseMs } = options;
  const database = createDatabase({
    url: options.url,
    applicationName: options.applicationName,
    logger,
    clock,
    poolMax: 1,
  });
  const watched = new Map<string, Watched>();
  const stopping = new AbortController();
  let keepUntilMs = 0;
  let wake: () => void = () => {};
  let running: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    for (let attempt = 1; !stopping.signal.aborted; attempt++) {
      try {
        await follow(() => {
          attempt = 0;
        });
      } catch (err) {
        if (stopping.signal.aborted) return;
        logger.warn({ err }, "registry cannot be reached, going on with the last known endpoints");
        keepUntilMs = Number.POSITIVE_INFINITY;
        await clock.sleep(backoffMs(Math.min(attempt, 10), reconnect, random), stopping.signal).catch(() => {});
      }
    }
  }

  async function follow(onConnected: () => void): Promise<void> {
    const client = await database.connect();
    let broken: Error | undefined;
    client.on("error", (err) => {
      broken = err;
      wake();
    });
    client.on("notification", () => wake());
    try {
      await client.query(`LISTEN ${discoveryChannel}`);
      onConnected();
      if (keepUntilMs === Number.POSITIVE_INFINITY) keepUntilMs = clock.monotonicMs() + leaseMs;
      while (!stopping.signal.aborted) {
        const round = new AbortController();
        // Armed before the query, so that a notification during it starts another round.
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await refresh(client);
        if (broken) throw broken;
        await Promise.race([
          woken,
          clock.sleep(leaseMs / 3, AbortSignal.any([stopping.signal, round.signal])).catch(() => {}),
        ]);
        round.abort();
        if (broken) throw broken;
      }
    } finally {
      await client.end().catch(() => {});
    }
  }

  async function refresh(client: pg.Client): Promise<void> {
    const services = [...watched.keys()];
    if (services.length === 0) return;
    const { rows } = await client.query(
      `SELECT service, instance_id, host, port, zone, draining FROM instance
       WHERE service = ANY($1) AND lease_ends > now() ORDER BY instance_id`,
      [services],
    );
    const keep = clock.monotonicMs() < keepUntilMs;
    for (const service of services) {
      const found = rows.filter((row) => row.service === service).map(toEndpoint);
      publish(service, keep ? withMissing(found, watched.get(service)?.endpoints) : found);
    }
  }

  function publish(service: string, endpoints: readonly Endpoint[]): void {
    const entry = watched.get(service);
    if (!entry || (entry.endpoints && JSON.stringify(entry.endpoints) === JSON.stringify(endpoints))) return;
    entry.endpoints = Object.freeze(endpoints);
    for (const listener of entry.listeners) listener(endpoints);
  }

  return {
    name: "resolver",
    watch(service, onChange) {
      const entry = watched.get(service) ?? { endpoints: undefined, listeners: new Set() };
      watched.set(service, entry);
      entry.listeners.add(onChange);
      if (entry.endpoints) onChange(entry.endpoints);
      else wake();
      return {
        close() {
          entry.listeners.delete(onChange);
          if (entry.listeners.size === 0) watched.delete(service);
        },
      };
    },
    async start() {
      running = run();
    },
    async stop(signal) {
      stopping.abort(new Error("stopping"));
      wake();
      await running;
      await database.stop?.(signal);
    },
  };
}

function toEndpoint(row: {
  instance_id: string;
  host: string;
  port: number;
  zone: string | null;
  draining: boolean;
}): Endpoint {
  const { instance_id: instanceId, host, port, zone, draining } = row;
  return { instanceId, host, port, draining, ...(zone === null ? {} : { zone }) };
}

function withMissing(found: Endpoint[], before: readonly Endpoint[] | undefined): Endpoint[] {
  const present = new Set(found.map((e) => e.instanceId));
  const missing = (before ?? []).filter((e) => !present.has(e.instanceId));
  return [...found, ...missing].sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
}
