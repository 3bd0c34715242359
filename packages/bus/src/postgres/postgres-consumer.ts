import { backoffMs, type Clock, type Component, type Logger, type Random } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";
import type pg from "pg";
import type { BusMessage, SubscribeOptions } from "../bus.ts";
import { observeLag } from "../bus-metrics.ts";
import type { Failure } from "../dead-letters.ts";
import { deliver } from "../deliver.ts";
import { handledTogether } from "../handle-together.ts";
import { createWakeUp, type WakeUp } from "../wake-up.ts";
import { type MessageRow, messageColumns, messageOfRow } from "./message-row.ts";
import { storeDeadLetter } from "./postgres-dead-letters.ts";
import { readMessages } from "./read-messages.ts";
import { busChannel, lockName, partitionCount, replayTopic } from "./schema.ts";

export interface PostgresConsumerOptions {
  database: Database;
  subscription: SubscribeOptions;
  logger: Logger;
  clock: Clock;
  random: Random;
}

type Partition = { topic: string; partition: number };

/** Handles what comes next in a partition; true when there may be more. */
type NextBatch = (at: Partition, signal: AbortSignal) => Promise<boolean>;

const replaysMax = 100;
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
  const owned = new Map<string, Set<number>>();
  let running: Promise<void> = Promise.resolve();
  let endOfLag = () => {};

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
    const consume = (topic: string, partitions: number, next: NextBatch): void => {
      if (wakeUps.has(topic)) return;
      const ofTopic = Array.from({ length: partitions }, () => createWakeUp(clock));
      wakeUps.set(topic, ofTopic);
      for (const [partition, wakeUp] of ofTopic.entries()) {
        const loop = consumePartition(tryLock, { topic, partition }, next, wakeUp, signal);
        // One loop's failure ends the connection, and with it the others.
        loop.catch((err) => connection.abort(err));
        loops.push(loop);
      }
    };
    const consumeTopic = (topic: string): void => consume(topic, partitionCount, consumeBatch);
    client.on("error", (err) => connection.abort(err));
    client.on("notification", ({ payload = "" }) => {
      if (everyTopic && !payload.startsWith(replayTopic(""))) consumeTopic(payload);
      for (const wakeUp of wakeUps.get(payload) ?? []) wakeUp.wake();
    });
    try {
      await client.query(`LISTEN ${busChannel}`);
      const topics = everyTopic ? await knownTopics() : subscription.topics;
      for (const topic of topics) consumeTopic(topic);
      consume(replayTopic(subscription.group), 1, consumeReplays);
      await aborted(signal);
      await Promise.all(loops);
      if (connectionReason(signal)) throw connectionReason(signal);
    } finally {
      owned.clear();
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
    next: NextBatch,
    wakeUp: WakeUp,
    signal: AbortSignal,
  ): Promise<void> {
    let mine = false;
    while (!signal.aborted) {
      mine ||= await tryLock(at);
      if (mine) owned.set(at.topic, (owned.get(at.topic) ?? new Set()).add(at.partition));
      const more = mine && (await next(at, signal));
      if (!more) await wakeUp.wait(pollMs, signal);
    }
    if (connectionReason(signal)) throw connectionReason(signal);
  }

  const connectionReason = (signal: AbortSignal): unknown => (stopping.signal.aborted ? undefined : signal.reason);

  /** Handles the next messages, together or one after another, and remembers how far it came, also when stopped in between. */
  async function consumeBatch(at: Partition, signal: AbortSignal): Promise<boolean> {
    const { messages, full } = await readMessages(database, subscription.group, at);
    let done: string | undefined;
    try {
      const all = messages.map(({ message }) => message);
      if (await handledTogether(all, subscription, { logger }, signal)) {
        done = messages.at(-1)?.position;
        return full;
      }
      for (const { position, message } of messages) {
        if (signal.aborted) break;
        await deliver(message, subscription, depsAt(at.partition, position), signal);
        done = position;
      }
    } finally {
      if (done !== undefined) await commit(at, done);
    }
    return full;
  }

  async function commit({ topic, partition }: Partition, position: string): Promise<void> {
    await database.query(
      `INSERT INTO consumer (consumer_group, topic, partition, position) VALUES ($1, $2, $3, $4)
       ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET position = greatest(consumer.position, excluded.position)`,
      [subscription.group, topic, partition, position],
      "commit_position",
    );
  }

  /** Dead letters that the group gets back; one that fails again is one again. */
  async function consumeReplays(_: Partition, signal: AbortSignal): Promise<boolean> {
    const rows = await database.query<MessageRow & { position: string; partition: number }>(
      `SELECT partition, position, ${messageColumns}
       FROM dead_letter WHERE consumer_group = $1 AND replay_at IS NOT NULL ORDER BY replay_at, failed_at LIMIT $2`,
      [subscription.group, replaysMax],
    );
    for (const row of rows) {
      if (signal.aborted) break;
      const { position, partition } = row;
      const message = messageOfRow(row);
      await deliver(message, subscription, depsAt(partition, position), signal);
      await database.query("DELETE FROM dead_letter WHERE consumer_group = $1 AND id = $2 AND replay_at IS NOT NULL", [
        subscription.group,
        message.id,
      ]);
    }
    return rows.length === replaysMax;
  }

  const depsAt = (partition: number, position: string) => ({
    ...{ clock, random, logger },
    deadLetter: (message: BusMessage, failure: Failure) =>
      storeDeadLetter(database, { group: subscription.group, message, partition, position, ...failure }),
  });

  async function lag(): Promise<Map<string, number>> {
    const rows = await database.query<{ topic: string; partition: number; waiting: string }>(
      `SELECT h.topic, h.partition, h.position - coalesce(c.position, 0) AS waiting FROM partition_head h
       LEFT JOIN consumer c ON c.consumer_group = $1 AND c.topic = h.topic AND c.partition = h.partition`,
      [subscription.group],
    );
    const lags = new Map<string, number>();
    for (const { topic, partition, waiting } of rows) {
      if (owned.get(topic)?.has(partition)) lags.set(topic, (lags.get(topic) ?? 0) + Number(waiting));
    }
    return lags;
  }

  return {
    name: `consumer ${subscription.group}`,
    async start() {
      endOfLag = observeLag(subscription.group, lag);
      running = run();
    },
    async stop() {
      endOfLag();
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
      const { rows } = await client.query(
        `SELECT pg_try_advisory_lock(hashtextextended(${lockName("$1::text", "$2::text", "$3::int")}, 1)) AS held`,
        [group, topic, partition],
      );
      return rows[0].held as boolean;
    });
    last = taken.catch(() => {});
    return taken;
  };
}
