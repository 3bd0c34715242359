import { backoffMs, type Clock, type Component, type Logger, type Random } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";
import type pg from "pg";
import type { BusMessage, SubscribeOptions } from "../bus.ts";
import { deliver } from "../deliver.ts";
import { createWakeUp, type WakeUp } from "../wake-up.ts";
import { busChannel, partitionCount } from "./schema.ts";

export interface PostgresConsumerOptions {
  database: Database;
  subscription: SubscribeOptions;
  logger: Logger;
  clock: Clock;
  random: Random;
}

type Partition = { topic: string; partition: number };

const batchMax = 100;
const pollMs = 2_000;
const reconnect = { initialMs: 100, maxMs: 5_000 };

/**
 * Consumes topics for a group. A partition belongs to the instance that holds its session advisory lock; the lock dies
 * with the instance's connection and another instance takes over at its next round.
 */
export function createPostgresConsumer(options: PostgresConsumerOptions): Component {
  const { database, subscription, logger, clock, random } = options;
  const stopping = new AbortController();
  const everyTopic = subscription.topics.includes("*");
  let running: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    for (let attempt = 1; !stopping.signal.aborted; attempt++) {
      try {
        await consumeWhileConnected();
        attempt = 0;
      } catch (err) {
        if (stopping.signal.aborted) return;
        logger.warn({ err, group: subscription.group }, "consumer lost its connection, trying again");
        await clock.sleep(backoffMs(Math.min(attempt, 10), reconnect, random), stopping.signal).catch(() => {});
      }
    }
  }

  async function consumeWhileConnected(): Promise<void> {
    const client = await database.connect();
    const connection = new AbortController();
    const signal = AbortSignal.any([stopping.signal, connection.signal]);
    const tryLock = createLockTaker(client, subscription.group);
    const wakeUps = new Map<string, WakeUp[]>();
    const loops: Promise<void>[] = [];
    const consumeTopic = (topic: string): void => {
      if (wakeUps.has(topic)) return;
      const ofTopic = Array.from({ length: partitionCount }, () => createWakeUp(clock));
      wakeUps.set(topic, ofTopic);
      for (const [partition, wakeUp] of ofTopic.entries()) {
        const loop = consumePartition(tryLock, { topic, partition }, wakeUp, signal);
        // One loop's failure ends the connection, and with it the others.
        loop.catch((err) => connection.abort(err));
        loops.push(loop);
      }
    };
    client.on("error", (err) => connection.abort(err));
    client.on("notification", ({ payload = "" }) => {
      if (everyTopic) consumeTopic(payload);
      for (const wakeUp of wakeUps.get(payload) ?? []) wakeUp.wake();
    });
    try {
      await client.query(`LISTEN ${busChannel}`);
      const topics = everyTopic ? await knownTopics() : subscription.topics;
      for (const topic of topics) consumeTopic(topic);
      await aborted(signal);
      await Promise.all(loops);
      if (connectionReason(signal)) throw connectionReason(signal);
    } finally {
      connection.abort();
      await client.end().catch(() => {});
    }
  }

  async function knownTopics(): Promise<string[]> {
    return (await database.query<{ topic: string }>("SELECT DISTINCT topic FROM partition_head")).map(
      (row) => row.topic,
    );
  }

  async function consumePartition(
    tryLock: LockTaker,
    at: Partition,
    wakeUp: WakeUp,
    signal: AbortSignal,
  ): Promise<void> {
    let owned = false;
    while (!signal.aborted) {
      owned ||= await tryLock(at);
      const handled = owned ? await consumeBatch(at, signal) : 0;
      if (handled < batchMax) await wakeUp.wait(pollMs, signal);
    }
    if (connectionReason(signal)) throw connectionReason(signal);
  }

  const connectionReason = (signal: AbortSignal): unknown => (stopping.signal.aborted ? undefined : signal.reason);

  /** Handles the next messages one after another and remembers how far it came, also when stopped in between. */
  async function consumeBatch(at: Partition, signal: AbortSignal): Promise<number> {
    const rows = await nextMessages(at);
    let done: string | undefined;
    try {
      for (const { position, ...message } of rows) {
        if (signal.aborted) break;
        await deliver(message, subscription, { clock, random, logger, deadLetter }, signal);
        done = position;
      }
    } finally {
      if (done !== undefined) await commit(at, done);
    }
    return rows.length;
  }

  function nextMessages({ topic, partition }: Partition): Promise<(BusMessage & { position: string })[]> {
    return database.query(
      `SELECT m.position, m.topic, m.key, m.id, m.source, m.type, m.subject, m.time, m.data, m.actor, m.request_id AS "requestId", m.traceparent
       FROM message m
       WHERE m.topic = $1 AND m.partition = $2 AND m.position > coalesce(
         (SELECT position FROM consumer WHERE consumer_group = $3 AND topic = $1 AND partition = $2), 0)
       ORDER BY m.position LIMIT $4`,
      [topic, partition, subscription.group, batchMax],
    );
  }

  async function commit({ topic, partition }: Partition, position: string): Promise<void> {
    await database.query(
      `INSERT INTO consumer (consumer_group, topic, partition, position) VALUES ($1, $2, $3, $4)
       ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET position = greatest(consumer.position, excluded.position)`,
      [subscription.group, topic, partition, position],
    );
  }

  async function deadLetter(m: BusMessage, error: string): Promise<void> {
    await database.query(
      `INSERT INTO dead_letter (id, consumer_group, topic, key, source, type, subject, time, data, actor, request_id, error)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
      [
        m.id,
        subscription.group,
        m.topic,
        m.key,
        m.source,
        m.type,
        m.subject,
        m.time,
        Buffer.from(m.data),
        m.actor,
        m.requestId,
        error,
      ],
    );
  }

  return {
    name: `consumer ${subscription.group}`,
    async start() {
      running = run();
    },
    async stop() {
      stopping.abort(new Error("stopping"));
      await running;
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

type LockTaker = (at: Partition) => Promise<boolean>;

/** Tries to take a partition for this connection; one query at a time, as a connection wants it. */
function createLockTaker(client: pg.Client, group: string): LockTaker {
  let last: Promise<unknown> = Promise.resolve();
  return ({ topic, partition }) => {
    const taken = last.then(async () => {
      const { rows } = await client.query("SELECT pg_try_advisory_lock(hashtextextended($1, 1)) AS held", [
        `plinth.consumer:${group}:${topic}:${partition}`,
      ]);
      return rows[0].held as boolean;
    });
    last = taken.catch(() => {});
    return taken;
  };
}
