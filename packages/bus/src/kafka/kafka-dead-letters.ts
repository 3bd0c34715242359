import type { Clock, Logger, Random } from "@plinth/kernel";
import type { Kafka } from "kafkajs";
import { type DeadLetter, type DeadLetters, matches } from "../dead-letters.ts";
import { deadLetterKey, deadLetterOf, originHeaders } from "./dead-letter-headers.ts";
import { createKafkaClient } from "./kafka-client.ts";
import { createKafkaProducer } from "./kafka-producer.ts";
import { type KafkaSettings, kafkaNames, replayRetentionMs } from "./kafka-settings.ts";
import { createKafkaTopics } from "./kafka-topics.ts";
import { type KafkaRecord, toRecord } from "./message-headers.ts";

export interface KafkaDeadLettersOptions {
  settings: KafkaSettings;
  logger: Logger;
  clock: Clock;
  random: Random;
}

const readTimeoutMs = 60_000;

/**
 * The dead letters on Kafka: a group's topic of them, keyed by message and time of death, is a table whose newest record counts. What is
 * handed back goes to the group's replay topic first and is then taken off by a record without value.
 */
export async function createKafkaDeadLetters(options: KafkaDeadLettersOptions): Promise<DeadLetters> {
  const { settings, logger, random, clock } = options;
  const names = kafkaNames(settings.prefix);
  const kafka = createKafkaClient(settings, "plinth-events", logger);
  const admin = kafka.admin();
  await admin.connect();
  const topics = createKafkaTopics(async () => admin, settings, clock);
  const producer = createKafkaProducer(kafka, logger);

  async function lettersOf(topic: string, group: string): Promise<DeadLetter[]> {
    const [ends] = await admin.fetchTopicOffsets(topic);
    if (ends === undefined || ends.high === ends.low) return [];
    const letters = new Map<string, DeadLetter>();
    // A group of its own, forgotten afterwards: kafkajs cannot read without one.
    const groupId = names.group(`dead-letters.${random.uuidv7(clock.now())}`);
    await readAll(kafka, { groupId, topic, end: BigInt(ends.high), clock }, (record) => {
      const key = record.key?.toString() ?? "";
      const letter = record.value === null ? undefined : deadLetterOf(group, record);
      if (letter) letters.set(key, letter);
      else letters.delete(key);
    });
    await admin
      .deleteGroups([groupId])
      .catch((err) => logger.debug({ err }, "a reader's group stays until it expires"));
    return [...letters.values()];
  }

  const list: DeadLetters["list"] = async (filter) => {
    const found: DeadLetter[] = [];
    for (const topic of await topics.list()) {
      const group = names.groupOfDeadLetters(topic);
      if (group === undefined || (filter.group !== undefined && filter.group !== group)) continue;
      found.push(...(await lettersOf(topic, group)).filter((letter) => matches(letter, filter)));
    }
    return found.sort((a, b) => a.failedAt.getTime() - b.failedAt.getTime());
  };

  return {
    list,
    async replay(filter) {
      const letters = await list(filter);
      for (const { group, message, partition, position, failedAt } of letters) {
        const record = toRecord(message);
        const origin = { topic: message.topic, partition, offset: position, record };
        const topic = names.replays(group);
        await topics.ensureSingle(topic, { compact: false, retentionMs: replayRetentionMs });
        const headers = { ...record.headers, ...originHeaders.write(origin) };
        await producer.send([{ ...record, topic, headers }]);
        await producer.send([
          { topic: names.deadLetters(group), key: deadLetterKey(message.id, failedAt), value: null },
        ]);
      }
      return letters.length;
    },
    async close() {
      await producer.close();
      await admin.disconnect();
    },
  };
}

interface Reading {
  groupId: string;
  topic: string;
  /** The offset after the last record. */
  end: bigint;
  clock: Clock;
}

/** Every record of a topic with one partition, up to an offset. */
async function readAll(kafka: Kafka, reading: Reading, take: (record: KafkaRecord) => void): Promise<void> {
  const { groupId, topic, end, clock } = reading;
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    retry: { restartOnFailure: async () => false },
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const read = new AbortController();
  try {
    await consumer.connect();
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (BigInt(payload.lastOffset) + 1n >= end) resolve();
    });
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => take({ ...message, headers: message.headers ?? {} }),
    });
    const late = clock.sleep(readTimeoutMs, read.signal).then(
      () => reject(new Error(`${topic} could not be read within ${readTimeoutMs / 1000} s`)),
      () => {},
    );
    await promise;
    read.abort();
    await late;
  } finally {
    read.abort();
    await consumer.disconnect();
  }
}
