import type { Clock, Logger, Random } from "@plinth/kernel";
import type { EachBatchHandler, EachBatchPayload, KafkaMessage } from "kafkajs";
import type { BusMessage, SubscribeOptions } from "../bus.ts";
import type { Failure } from "../dead-letters.ts";
import { attemptDelivery } from "../deliver.ts";
import { handledTogether, takeTogether, togetherMax } from "../handle-together.ts";
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
 * Handles the messages of one partition, together or one after another. A message that fails does not hold the process up: its
 * partition pauses for the delay and begins with it again. While a message is in hand the member goes on to be heard of;
 * when the group rebalances, the message is finished and the rest left to whoever gets the partition.
 */
export function createBatchHandler(options: BatchHandlerOptions): EachBatchHandler {
  const { names, subscription, signal, clock, random, logger } = options;
  /** Attempts at the message that each partition waits for. */
  const failing = new Map<string, { offset: string; attempts: number }>();
  /** Up to this offset the messages of a partition are handled one after another, because together they could not be. */
  const singly = new Map<string, bigint>();

  async function handle(record: KafkaMessage, at: Place): Promise<number | undefined> {
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
    const place = placeOf(at);
    const before = failing.get(place);
    const attempt = before?.offset === offset ? before.attempts + 1 : 1;
    const waitMs = await attemptDelivery(message, attempt, subscription, { clock, random, logger, deadLetter }, signal);
    if (waitMs === undefined) failing.delete(place);
    else failing.set(place, { offset, attempts: attempt });
    return waitMs;
  }

  /**
   * Handles the records at the beginning together; returns how many, 0 when they are to be handled one after another. What
   * failed together, what is no event and what was handed back goes by itself.
   */
  async function handleTogether(records: readonly KafkaMessage[], at: Place): Promise<number> {
    const topic = names.eventTopic(at.name);
    const place = placeOf(at);
    const [first] = records;
    if (!subscription.handleTogether || topic === undefined || first === undefined) return 0;
    if (BigInt(first.offset) <= (singly.get(place) ?? -1n)) return 0;
    const messages = eventsOf(topic, records);
    const last = records[messages.length - 1];
    if (last === undefined || last === first) return 0;
    if (await handledTogether(messages, subscription, { logger }, signal)) return messages.length;
    singly.set(place, BigInt(last.offset));
    return 0;
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
      const at = { name: batch.topic, partition: batch.partition };
      for (let records = batch.messages; ; ) {
        const [first] = records;
        if (first === undefined || rejoin || signal.aborted || !isRunning() || isStale()) break;
        const together = await handleTogether(records, at);
        const waitMs = together > 0 ? undefined : await handle(first, at);
        if (waitMs !== undefined) {
          pause(payload, waitMs);
          break;
        }
        const handled = Math.max(together, 1);
        resolveOffset((records[handled - 1] ?? first).offset);
        records = records.slice(handled);
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

interface Place {
  name: string;
  partition: number;
}

const placeOf = ({ name, partition }: Place): string => `${name}/${partition}`;

/** The events at the beginning, as many as may be handled at once, up to the first record that is none. */
function eventsOf(topic: string, records: readonly KafkaMessage[]): BusMessage[] {
  const messages: BusMessage[] = [];
  // By size before they are read: of large ones few fit, and the rest would be read again.
  const sized = records.slice(0, togetherMax).map((record) => ({ record, data: record.value ?? noBytes }));
  for (const { record } of takeTogether(sized)) {
    try {
      messages.push(fromRecord(topic, { ...record, headers: record.headers ?? {} }));
    } catch {
      break;
    }
  }
  return messages;
}

const noBytes = new Uint8Array();

/** A record that is no event, as far as it can be told as one. */
const unreadable = ({ topic, partition, offset, record }: Origin): BusMessage => ({
  id: `${topic}/${partition}/${offset}`,
  source: "",
  type: "",
  subject: "",
  time: new Date(Number(record.timestamp)),
  topic,
  key: record.key?.toString() ?? "",
  data: record.value ?? noBytes,
  actor: "anonymous",
  requestId: "",
  traceparent: undefined,
});
