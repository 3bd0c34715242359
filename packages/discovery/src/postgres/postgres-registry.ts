import type { Clock, Logger } from "@plinth/kernel";
import { createDatabase } from "@plinth/postgres";
import type { Instance, Registry } from "../discovery.ts";
import { keepRegistered } from "../shared/keep-registered.ts";
import { defaultLeaseMs } from "../shared/lease.ts";
import { discoveryChannel } from "./schema.ts";

export interface PostgresRegistryOptions {
  /** postgres:// URL of the role plinth_discovery. */
  url: string;
  applicationName: string;
  logger: Logger;
  clock: Clock;
  /** Default 6 s; renewed three times within it. */
  leaseMs?: number;
}

/** Registers instances as rows with a lease; the database's clock decides when a lease ends. */
export function createPostgresRegistry(options: PostgresRegistryOptions): Registry {
  const { logger, clock, leaseMs = defaultLeaseMs } = options;
  const database = createDatabase({
    url: options.url,
    applicationName: options.applicationName,
    logger,
    clock,
    poolMax: 1,
  });
  const stopping = new AbortController();

  /** Writes the lease; says whether other processes see a change. Also removes rows whose lease ended long ago. */
  async function renew(instance: Instance, draining: boolean): Promise<void> {
    const [row] = await database.query<{ changed: boolean }>(
      `WITH before AS (SELECT draining, lease_ends FROM instance WHERE instance_id = $1),
            swept AS (DELETE FROM instance WHERE lease_ends < now() - interval '1 minute' AND instance_id <> $1)
       INSERT INTO instance (instance_id, service, host, port, zone, draining, lease_ends)
       VALUES ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 millisecond')
       ON CONFLICT (instance_id) DO UPDATE SET host = excluded.host, port = excluded.port, draining = excluded.draining, lease_ends = excluded.lease_ends
       RETURNING NOT EXISTS (SELECT FROM before WHERE before.draining = $6 AND before.lease_ends > now()) AS changed`,
      [instance.instanceId, instance.service, instance.host, instance.port, instance.zone ?? null, draining, leaseMs],
    );
    if (row?.changed) await notify(instance.service);
  }

  async function notify(service: string): Promise<void> {
    await database.query("SELECT pg_notify($1, $2)", [discoveryChannel, service]);
  }

  return {
    name: "registry",
    start: async () => database.start?.(),
    async stop(signal) {
      stopping.abort();
      await database.stop?.(signal);
    },
    register: (instance) =>
      keepRegistered({
        instance,
        leaseMs,
        renew: (draining) => renew(instance, draining),
        async remove() {
          await database.query("DELETE FROM instance WHERE instance_id = $1", [instance.instanceId]);
          await notify(instance.service);
        },
        logger,
        clock,
        stopping: stopping.signal,
      }),
  };
}
