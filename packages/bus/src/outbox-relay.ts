import { metrics } from "@opentelemetry/api";
import { backoffMs, type Clock, type Component, type Logger, type Random } from "@plinth/kernel";
import { type Database, deleteOutbox, outboxChannel, readOutbox } from "@plinth/postgres";
import type pg from "pg";
import type { EventBus } from "./bus.ts";
import { createWakeUp } from "./wake-up.ts";

export interface OutboxRelayOptions {
  database: Database;
  bus: EventBus;
  /** Name of the service, the `source` of its events. */
  source: string;
  logger: Logger;
  clock: Clock;
  random: Random;
}

const batchMax = 200;
/** A missed wake-up costs at most this much delay. */
const pollMs = 5_000;
const lockRetryMs = 1_000;
const reconnect = { initialMs: 100, maxMs: 5_000 };

/**
 * Publishes what waits in the outbox: one relay per schema at a time (session advisory lock), in order, at least once.
 * A row leaves the outbox only after the bus has taken it.
 */
export function createOutboxRelay(options: OutboxRelayOptions): Component {
  const { database, bus, logger, clock, random } = options;
  const stopping = new AbortController();
  const published = metrics
    .getMeter("plinth.bus")
    .createCounter("plinth_outbox_published_total", { description: "Events handed to the bus" });
  let running: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    for (let attempt = 1; !stopping.signal.aborted; attempt++) {
      try {
        await lead();
        attempt = 0;
      } catch (err) {
        if (stopping.signal.aborted) return;
        logger.warn({ err }, "outbox relay lost its connection or the bus, trying again");
        await clock.sleep(backoffMs(Math.min(attempt, 10), reconnect, random), stopping.signal).catch(() => {});
      }
    }
  }

  /** Holds the lock and drains until stopped; throws when the connection or the bus fails. */
  async function lead(): Promise<void> {
    const client = await database.connect();
    const wakeUp = createWakeUp(clock);
    let broken: Error | undefined;
    client.on("error", (err) => {
      broken = err;
      wakeUp.wake();
    });
    client.on("notification", wakeUp.wake);
    try {
      await becomeLeader(client);
      await client.query(`LISTEN ${outboxChannel}`);
      while (!stopping.signal.aborted) {
        if (broken) throw broken;
        if ((await drainOnce(client)) < batchMax) await wakeUp.wait(pollMs, stopping.signal);
      }
    } finally {
      await client.end().catch(() => {});
    }
  }

  async function becomeLeader(client: pg.Client): Promise<void> {
    for (;;) {
      const { rows } = await client.query(
        "SELECT pg_try_advisory_lock(hashtextextended('plinth.relay:' || current_schema(), 0)) AS held",
      );
      if (rows[0].held) return;
      await clock.sleep(lockRetryMs, stopping.signal);
    }
  }

  async function drainOnce(client: pg.Client): Promise<number> {
    const rows = await readOutbox(client, batchMax);
    if (rows.length === 0) return 0;
    await bus.publish(
      rows.map(({ position: _, ...row }) => ({
        ...row,
        source: options.source,
        traceparent: row.traceparent ?? undefined,
      })),
    );
    await deleteOutbox(
      client,
      rows.map((row) => row.position),
    );
    published.add(rows.length);
    return rows.length;
  }

  return {
    name: "outbox relay",
    async start() {
      running = run();
    },
    async stop() {
      stopping.abort(new Error("stopping"));
      await running;
    },
  };
}
