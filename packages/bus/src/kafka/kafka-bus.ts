import type { Clock, Logger, Random } from "@plinth/kernel";
import type { Admin } from "kafkajs";
import type { BusMessage, EventBus } from "../bus.ts";
import type { Failure } from "../dead-letters.ts";
import { deadLetterKey, failureHeaders, originHeaders } from "./dead-letter-headers.ts";
import type { Origin } from "./handle-batch.ts";
import { createKafkaClient } from "./kafka-client.ts";
import { createKafkaConsumer } from "./kafka-consumer.ts";
import { createKafkaProducer } from "./kafka-producer.ts";
import { deadLetterRetentionMs, type KafkaSettings, kafkaNames } from "./kafka-settings.ts";
import { createKafkaTopics } from "./kafka-topics.ts";
import { toRecord } from "./message-headers.ts";

export interface KafkaBusOptions {
  settings: KafkaSettings;
  /** Shown in Kafka's logs and quotas. */
  clientId: string;
  logger: Logger;
  clock: Clock;
  random: Random;
  /** A member that is not heard of for this long loses its partitions. Default 10 s. */
  sessionTimeoutMs?: number;
}

/**
 * Event bus on Apache Kafka. Nothing waits for Kafka at the start, and it may go and come back at any time: writes go on into the
 * outbox meanwhile.
 */
export function createKafkaBus(options: KafkaBusOptions): EventBus {
  const { settings, logger } = options;
  const names = kafkaNames(settings.prefix);
  const kafka = createKafkaClient(settings, options.clientId, logger);
  const producer = createKafkaProducer(kafka, logger);
  let connected: Promise<Admin> | undefined;

  function admin(): Promise<Admin> {
    connected ??= connect();
    return connected;
  }

  async function connect(): Promise<Admin> {
    const made = kafka.admin();
    try {
      await made.connect();
      return made;
    } catch (err) {
      connected = undefined;
      throw err;
    }
  }

  const topics = createKafkaTopics(admin, settings, options.clock);

  async function deadLetter(group: string, message: BusMessage, failure: Failure, origin: Origin): Promise<void> {
    const topic = names.deadLetters(group);
    const headers = { ...origin.record.headers, ...originHeaders.write(origin), ...failureHeaders(failure) };
    const record = {
      topic,
      key: deadLetterKey(message.id, failure.failedAt),
      value: origin.record.value ?? Buffer.alloc(0),
      headers,
    };
    await producer.send([record], () =>
      topics.ensureSingle(topic, { compact: true, retentionMs: deadLetterRetentionMs }),
    );
  }

  return {
    name: "event bus",
    publish(messages) {
      const wanted = [...new Set(messages.map((message) => names.topic(message.topic)))];
      const records = messages.map((message) => ({ ...toRecord(message), topic: names.topic(message.topic) }));
      return producer.send(records, () => topics.ensure(wanted));
    },
    subscribe(subscription) {
      return createKafkaConsumer({
        ...options,
        ...{ kafka, admin, topics, names, subscription },
        deadLetter: (message, failure, origin) => deadLetter(subscription.group, message, failure, origin),
      });
    },
    async stop() {
      await producer.close();
      await (await connected?.catch(() => undefined))?.disconnect();
    },
  };
}
