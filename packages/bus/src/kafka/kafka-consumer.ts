import { backoffMs, type Clock, type Component, type Logger, type Random } from "@plinth/kernel";
import type { Admin, Consumer, Kafka } from "kafkajs";
import type { BusMessage, SubscribeOptions } from "../bus.ts";
import { observeLag } from "../bus-metrics.ts";
import type { Failure } from "../dead-letters.ts";
import { createWakeUp } from "../wake-up.ts";
import { createBatchHandler, type Origin } from "./handle-batch.ts";
import { requestRetry } from "./kafka-client.ts";
import { type KafkaNames, replayRetentionMs } from "./kafka-settings.ts";
import type { KafkaTopics } from "./kafka-topics.ts";
import { waitingIn } from "./waiting.ts";

export interface KafkaConsumerOptions {
  kafka: Kafka;
  admin: () => Promise<Admin>;
  topics: KafkaTopics;
  names: KafkaNames;
  subscription: SubscribeOptions;
  deadLetter(message: BusMessage, failure: Failure, origin: Origin): Promise<void>;
  logger: Logger;
  clock: Clock;
  random: Random;
  /** A member that is not heard of for this long loses its partitions. Default 10 s. */
  sessionTimeoutMs?: number;
}

/** How long the group waits for a member that still has a message in hand before it goes on without it. */
const rebalanceTimeoutMs = 60_000;
const heartbeatMs = 1_000;
/** A group of every topic looks for new ones this often. */
const topicRefreshMs = 3_000;
/** A client that neither fetched nor was heard of for this long is replaced: kafkajs has been seen to stop without a word. */
const stallMs = 60_000;
const disconnectTimeoutMs = 15_000;
const fetchMaxBytes = 4 * 1024 * 1024;
const fetchPartitionMaxBytes = 512 * 1024;
const fetchWaitMs = 500;
const commitIntervalMs = 1_000;
const commitMessagesMax = 100;
/** Partitions whose messages are handled at the same time by one process. */
const partitionsAtOnceMax = 4;
const reconnect = { initialMs: 200, maxMs: 10_000 };

/**
 * Consumes topics for a group. One kafkajs consumer after the other: whatever it dies of, and also when the list of topics
 * grows, the next one takes its place; kafkajs' own restart is off, because it cannot be stopped in between.
 */
export function createKafkaConsumer(options: KafkaConsumerOptions): Component {
  const { names, subscription, logger, clock, random, sessionTimeoutMs = 10_000 } = options;
  const { group } = subscription;
  const everyTopic = subscription.topics.includes("*");
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let endOfLag = () => {};
  let assigned: Record<string, number[]> = {};

  async function wantedTopics(): Promise<string[]> {
    const replays = names.replays(group);
    await options.topics.ensureSingle(replays, { compact: false, retentionMs: replayRetentionMs });
    if (!everyTopic) {
      const wanted = subscription.topics.map(names.topic);
      await options.topics.ensure(wanted);
      return [...wanted, replays];
    }
    const all = await options.topics.list();
    return [...all.filter((name) => names.eventTopic(name) !== undefined), replays].sort();
  }

  async function run(): Promise<void> {
    for (let attempt = 1; !stopping.signal.aborted; attempt++) {
      try {
        await session(await wantedTopics());
        attempt = 0;
      } catch (err) {
        if (stopping.signal.aborted) return;
        // Coordinators move and load whenever brokers start: that is over in a moment and no news.
        const line = [{ err, group }, "consumer lost Kafka, trying again"] as const;
        if (attempt === 1) logger.debug(...line);
        else logger.warn(...line);
        await clock.sleep(backoffMs(Math.min(attempt, 10), reconnect, random), stopping.signal).catch(() => {});
      }
    }
  }

  /** Consumes until stopped or until there are other topics; throws when the client is of no use any more. */
  async function session(topics: readonly string[]): Promise<void> {
    const consumer = options.kafka.consumer({
      groupId: names.group(group),
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      heartbeatInterval: heartbeatMs,
      maxBytes: fetchMaxBytes,
      maxBytesPerPartition: fetchPartitionMaxBytes,
      maxWaitTimeInMs: fetchWaitMs,
      allowAutoTopicCreation: false,
      retry: { ...requestRetry, restartOnFailure: async () => false },
    });
    const wakeUp = createWakeUp(clock);
    const ended = new AbortController();
    const signal = AbortSignal.any([stopping.signal, ended.signal]);
    signal.addEventListener("abort", wakeUp.wake, { once: true });
    let heardAtMs = clock.monotonicMs();
    const heard = () => {
      heardAtMs = clock.monotonicMs();
    };
    consumer.on(consumer.events.FETCH, heard);
    consumer.on(consumer.events.HEARTBEAT, heard);
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      heard();
      assigned = payload.memberAssignment;
      logger.debug({ group, assigned }, "consumer joined its group");
    });
    // Another member leads the group and knows of topics that this one has not heard of yet.
    consumer.on(consumer.events.RECEIVED_UNSUBSCRIBED_TOPICS, wakeUp.wake);
    consumer.on(consumer.events.CRASH, ({ payload }) => ended.abort(payload.error));
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      await consumer.run({
        eachBatchAutoResolve: false,
        autoCommitInterval: commitIntervalMs,
        autoCommitThreshold: commitMessagesMax,
        partitionsConsumedConcurrently: partitionsAtOnceMax,
        eachBatch: createBatchHandler({ ...options, signal, heartbeatMs }),
      });
      while (!signal.aborted) {
        await wakeUp.wait(topicRefreshMs, signal);
        if (signal.aborted) break;
        if (clock.monotonicMs() - heardAtMs > stallMs) throw new Error(`kafkajs was silent for ${stallMs / 1000} s`);
        if (everyTopic && String(await wantedTopics()) !== String(topics)) return;
      }
      if (ended.signal.aborted) throw ended.signal.reason;
    } finally {
      assigned = {};
      await leave(consumer);
      ended.abort();
    }
  }

  /** Finishes the messages in hand, commits and leaves the group, so that others need not wait for a time-out. */
  async function leave(consumer: Consumer): Promise<void> {
    const late = new AbortController();
    const given = clock.sleep(disconnectTimeoutMs, late.signal).then(
      () => logger.warn({ group }, "a Kafka consumer did not end in time and is left behind"),
      () => {},
    );
    const left = consumer
      .disconnect()
      .catch((err) => logger.debug({ err, group }, "a Kafka consumer could not be closed"));
    await Promise.race([left, given]);
    late.abort();
  }

  /** What waits in the partitions of this member. */
  async function lag(): Promise<Map<string, number>> {
    const topics = Object.keys(assigned);
    const lags = new Map<string, number>();
    if (topics.length === 0) return lags;
    const admin = await options.admin();
    const committed = await admin.fetchOffsets({ groupId: names.group(group), topics });
    for (const { topic, partitions } of committed) {
      const all = waitingIn(await admin.fetchTopicOffsets(topic), partitions);
      const mine = all.filter(({ partition }) => assigned[topic]?.includes(partition));
      lags.set(
        names.eventTopic(topic) ?? "replay",
        mine.reduce((sum, { waiting }) => sum + waiting, 0),
      );
    }
    return lags;
  }

  return {
    name: `consumer ${group}`,
    async start() {
      endOfLag = observeLag(group, lag);
      running = run();
    },
    async stop() {
      endOfLag();
      stopping.abort(new Error("stopping"));
      await running;
    },
  };
}
