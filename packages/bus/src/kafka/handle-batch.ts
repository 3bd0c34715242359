import type { Clock, Logger, Random } from "@plinth/kernel";
import type { EachBatchHandler, EachBatchPayload, KafkaMessage } from "kafkajs";
import type { BusMessage, SubscribeOptions } from "../bus.ts";
import type { Failure } from "../dead-letters.ts";
import { attemptDelivery } from "../deliver.ts";
import { originHeaders } from "./dead-letter-headers.ts";
import type { KafkaNames } from "./kafka-settings.ts";
import { fromRecord, type KafkaRecord } from "./message-headers.ts";

/** Where a record lay, and what it was like: for the dead letters. */
export interface Origin {
  /** As services know it. */
  topic: string;
  partition: number;
  offset: string;
  record: KafkaRecord;
}

export interface BatchHandlerOptions {
  names: KafkaNames;
  subscription: SubscribeOptions;
  deadLetter(message: BusMessage, failure: Failure, origin: Origin): Promise<void>;
  /** Aborts when the member stops or has been lost. */
  signal: AbortSignal;
  heartbeatMs: number;
  logger: Logger;
  clock: Clock;
  random: Random;
}

/**
 * Handles the messages of one partition one after another. A message that fails does not hold the process up: its
 * partition pauses for the delay and begins with it again. While a message is in hand the member goes on to be heard of;
 * when the group rebalances, the message is finished and the rest left to whoever gets the partition.
 */
export function createBatchHandler(options: BatchHandlerOptions): EachBatchHandler {
  const { names, subscription, signal, clock, random, logger } = options;
  /** Attempts at the message that each partition waits for. */
  const failing = new Map<string, { offset: string; attempts: number }>();

  async function handle(record: KafkaMessage, at: { name: string; partition: number }): Promise<number | undefined> {
    const { offset } = record;
    const kept: KafkaRecord = { ...record, headers: record.headers ?? {} };
    const origin = originOf(at.name, at.partition, offset, kept);
    const deadLetter = (message: BusMessage, failure: Failure) => options.deadLetter(message, failure, origin);
    let message: BusMessage;
    try {
      message = fromRecord(origin.topic, kept);
    } catch (err) {
      // Trying again would not make it readable.
      logger.error({ err, group: subscription.group, topic: origin.topic, ...at, offset }, "a record is not an event");
      const failure = { error: (err as Error).message, attempts: 1, failedAt: new Date(clock.now()) };
      await deadLetter(unreadable(origin), failure);
      return undefined;
    }
    const place = `${at.name}/${at.partition}`;
    const before = failing.get(place);
    const attempt = before?.offset === offset ? before.attempts + 1 : 1;
    const waitMs = await attemptDelivery(message, attempt, subscription, { clock, random, logger, deadLetter }, signal);
    if (waitMs === undefined) failing.delete(place);
    else failing.set(place, { offset, attempts: attempt });
    return waitMs;
  }

  function originOf(name: string, partition: number, offset: string, record: KafkaRecord): Origin {
    const topic = names.eventTopic(name);
    // Handed back from the dead letters: it says itself where it came from.
    return topic === undefined ? originHeaders.read(record) : { topic, partition, offset, record };
  }

  /** The partition begins again with the same message after the delay, unless it belongs to somebody else by then. */
  function pause({ batch, pause }: EachBatchPayload, waitMs: number): void {
    const resume = pause();
    clock
      .sleep(waitMs, signal)
      .then(
        () => resume(),
        () => {},
      )
      .catch((err) => logger.debug({ err, topic: batch.topic }, "a partition went to another member while it paused"));
  }

  /** Goes on until told to stop; throws what says that the member must join its group again. */
  async function beat(heartbeat: () => Promise<void>, stop: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(options.heartbeatMs, stop).catch(() => {});
      if (stop.aborted) return;
      await heartbeat();
    }
  }

  return async (payload) => {
    const { batch, heartbeat, resolveOffset, commitOffsetsIfNecessary, isRunning, isStale } = payload;
    await heartbeat();
    let rejoin: unknown;
    const done = new AbortController();
    const beating = beat(heartbeat, done.signal).catch((err) => {
      rejoin = err;
    });
    try {
      for (const record of batch.messages) {
        if (rejoin || signal.aborted || !isRunning() || isStale()) break;
        const waitMs = await handle(record, { name: batch.topic, partition: batch.partition });
        if (waitMs !== undefined) {
          pause(payload, waitMs);
          break;
        }
        resolveOffset(record.offset);
        await commitOffsetsIfNecessary();
      }
    } catch (err) {
      // Not an error of Kafka's: the member stops, and what it had in hand comes again.
      if (!signal.aborted) throw err;
    } finally {
      done.abort();
      await beating;
    }
    if (rejoin) throw rejoin;
  };
}

/** A record that is no event, as far as it can be told as one. */
const unreadable = ({ topic, partition, offset, record }: Origin): BusMessage => ({
  id: `${topic}/${partition}/${offset}`,
  source: "",
  type: "",
  subject: "",
  time: new Date(Number(record.timestamp)),
  topic,
  key: record.key?.toString() ?? "",
  data: record.value ?? new Uint8Array(),
  actor: "anonymous",
  requestId: "",
  traceparent: undefined,
});
