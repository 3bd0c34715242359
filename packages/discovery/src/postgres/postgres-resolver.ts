import type { Clock, Logger, Random } from "@plinth/kernel";
import { createDatabase } from "@plinth/postgres";
import type pg from "pg";
import type { Endpoint, Resolver } from "../discovery.ts";
import { createFollowedServices } from "../shared/followed-services.ts";
import { keepFollowing } from "../shared/keep-following.ts";
import { defaultLeaseMs } from "../shared/lease.ts";
import { discoveryChannel } from "./schema.ts";

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
  const stopping = new AbortController();
  let wake: () => void = () => {};
  const followed = createFollowedServices({
    clock,
    graceMs: leaseMs,
    stopping: stopping.signal,
    opened: () => wake(),
  });
  let running: Promise<void> = Promise.resolve();

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
      followed.found();
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
    const services = followed.names();
    if (services.length === 0) return;
    const { rows } = await client.query(
      `SELECT service, instance_id, host, port, zone, draining FROM instance
       WHERE service = ANY($1) AND lease_ends > now() ORDER BY instance_id`,
      [services],
    );
    for (const service of services)
      followed.publish(service, rows.filter((row) => row.service === service).map(toEndpoint));
  }

  return {
    name: "resolver",
    watch: followed.watch,
    async start() {
      running = keepFollowing({ follow, lost: followed.lost, logger, clock, random, stopping: stopping.signal });
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
