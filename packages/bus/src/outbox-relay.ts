import { metrics } from "@opentelemetry/api";
import { backoffMs, type Clock, type Component, type Logger, type Random } from "@plinth/kernel";
import { type Database, forgetHandled, type OutboxReader, openOutbox, outboxChannel } from "@plinth/postgres";
import type pg from "pg";
import type { EventBus } from "./bus.ts";
import { observeBacklog } from "./bus-metrics.ts";
import { inSendSpans } from "./message-spans.ts";
import { createWakeUp } from "./wake-up.ts";

export interface OutboxRelayOptions {
  database: Database;
  bus: EventBus;
  /** Name of the service, the `source` of its events. */
  source: string;
  logger: Logger;
  clock: Clock;
  random: Random;
  /** Marks of handled messages are kept this long: longer than any bus keeps messages. Default 30 days. */
  inboxRetentionMs?: number;
  /** An event that has waited for longer is worth an error in the log. Default 1 min. */
  alertAgeMs?: number;
}

/** A missed wake-up costs at most this much delay. */
const pollMs = 5_000;
const lockRetryMs = 1_000;
const reconnect = { initialMs: 100, maxMs: 5_000 };
const tidyIntervalMs = 5_000;
const forgetIntervalMs = 3_600_000;

/**
 * Publishes what waits in the outbox: one relay per schema at a time (session advisory lock), in order, at least once.
 * While the bus is away it goes on leading and tries the same rows again.
 */
export function createOutboxRelay(options: OutboxRelayOptions): Component {
  const { database, bus, logger, clock, random, alertAgeMs = 60_000, inboxRetentionMs = 30 * 86_400_000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const published = metrics
    .getMeter("plinth.bus")
    .createCounter("plinth_outbox_published_total", { description: "Events handed to the bus" });
  let running: Promise<void> = Promise.resolve();
  let alerted = false;

  async function run(): Promise<void> {
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await lead();
        attempt = 0;
      } catch (err) {
        if (signal.aborted) return;
        logger.warn({ err }, "outbox relay lost its connection, trying again");
        await pause(attempt);
      }
    }
  }

  const pause = (attempt: number): Promise<void> =>
    clock.sleep(backoffMs(Math.min(attempt, 10), reconnect, random), signal).catch(() => {});

  /** Holds the lock and drains until stopped; throws when the connection fails. */
  async function lead(): Promise<void> {
    const client = await database.connect();
    const wakeUp = createWakeUp(clock);
    let broken: Error | undefined;
    let endOfMetrics = () => {};
    client.on("error", (err) => {
      broken = err;
      wakeUp.wake();
    });
    try {
      const schema = await becomeLeader(client);
      client.on("notification", ({ payload }) => {
        if (payload === schema) wakeUp.wake();
      });
      await client.query(`LISTEN ${outboxChannel}`);
      const outbox = await openOutbox(client);
      endOfMetrics = observeBacklog(() => outbox.backlog());
      const tidy = createTidying(outbox);
      for (let failures = 0; !signal.aborted; ) {
        if (broken) throw broken;
        const rows = await outbox.read();
        const failure = await publish(rows);
        failures = failure === undefined ? 0 : failures + 1;
        if (failure === undefined && rows.length > 0) await outbox.published();
        await watch(outbox, failure);
        await tidy();
        if (failure !== undefined) await pause(failures);
        // A short batch may have ended at its size: only an empty one says that nothing waits.
        else if (rows.length === 0) await wakeUp.wait(pollMs, signal);
      }
    } finally {
      endOfMetrics();
      await client.end().catch(() => {});
    }
  }

  /** Resolves with the name of the schema. */
  async function becomeLeader(client: pg.Client): Promise<string> {
    for (;;) {
      const { rows } = await client.query(
        "SELECT current_schema() AS schema, pg_try_advisory_lock(hashtextextended('plinth.relay:' || current_schema(), 0)) AS held",
      );
      if (rows[0].held) return rows[0].schema;
      await clock.sleep(lockRetryMs, signal);
    }
  }

  async function publish(rows: Awaited<ReturnType<OutboxReader["read"]>>): Promise<unknown> {
    if (rows.length === 0) return undefined;
    try {
      const messages = rows.map(({ position: _, ...row }) => ({
        ...row,
        source: options.source,
        traceparent: row.traceparent ?? undefined,
        clientAddress: row.clientAddress ?? undefined,
        via: row.via ?? undefined,
      }));
      await inSendSpans(messages, (sent) => bus.publish(sent));
      published.add(rows.length);
      return undefined;
    } catch (err) {
      return err ?? new Error("the bus refused");
    }
  }

  /** Says once that events wait for too long, with the last error, and once that they do no more. */
  async function watch(outbox: OutboxReader, failure: unknown): Promise<void> {
    if (failure === undefined && !alerted) return;
    const { waiting, oldestMs = 0 } = await outbox.backlog();
    const late = oldestMs > alertAgeMs;
    if (failure !== undefined && !late) logger.debug({ err: failure, waiting }, "events could not be published yet");
    if (late && !alerted) {
      alerted = true;
      logger.error(
        { err: failure, waiting, oldestMs: Math.round(oldestMs) },
        "events wait in the outbox: the bus is away",
      );
    }
    if (alerted && waiting === 0) {
      alerted = false;
      logger.info({}, "all events that waited in the outbox are published");
    }
  }

  function createTidying(outbox: OutboxReader): () => Promise<void> {
    let tidiedAtMs = clock.monotonicMs();
    let forgotAtMs = Number.NEGATIVE_INFINITY;
    return async () => {
      const nowMs = clock.monotonicMs();
      if (nowMs - tidiedAtMs < tidyIntervalMs) return;
      tidiedAtMs = nowMs;
      await outbox.tidy();
      if (nowMs - forgotAtMs < forgetIntervalMs) return;
      if (!(await forgetHandled(database, inboxRetentionMs))) forgotAtMs = nowMs;
    };
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
