import { Fault, type Logger } from "@plinth/kernel";
import { type Kafka, type Message, Partitioners, type Producer } from "kafkajs";
import { requestRetry } from "./kafka-client.ts";

export interface ToSend extends Message {
  topic: string;
  value: Buffer | null;
}

/** Sends records in the order of the calls; resolves when all replicas in sync have them. */
export interface KafkaProducer {
  /** `ready` is awaited in turn, before the first record goes. Throws Fault "unavailable" when not all may have arrived. */
  send(records: readonly ToSend[], ready?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** A broker takes 1 MiB per partition and request unless told otherwise; headers and framing come on top of values. */
const requestMaxBytes = 512 * 1024;
const recordOverheadBytes = 512;

/**
 * One idempotent producer, one request at a time: with more in flight kafkajs mixes up the sequence numbers. A producer whose
 * request failed is replaced: it no longer knows which sequence the broker has seen last, and the broker would refuse it
 * from then on. What was sent twice because of that is deduplicated by consumers.
 */
export function createKafkaProducer(kafka: Kafka, logger: Logger): KafkaProducer {
  let current: Promise<Producer> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function connect(): Promise<Producer> {
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      // murmur2 of the key, as every Kafka client does.
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: requestRetry,
    });
    await producer.connect();
    return producer;
  }

  async function sendNow(records: readonly ToSend[], ready?: () => Promise<void>): Promise<void> {
    try {
      await ready?.();
      current ??= connect();
      const producer = await current;
      for (const part of parts(records)) {
        const topicMessages = [...Map.groupBy(part, ({ topic }) => topic)].map(([topic, messages]) => ({
          topic,
          messages,
        }));
        await producer.sendBatch({ acks: -1, topicMessages });
      }
    } catch (err) {
      discard();
      throw busFault(err);
    }
  }

  function discard(): void {
    const old = current;
    current = undefined;
    old
      ?.then((producer) => producer.disconnect())
      .catch((err) => logger.debug({ err }, "a Kafka producer could not be closed"));
  }

  return {
    send(records, ready) {
      if (records.length === 0) return Promise.resolve();
      const sent = last.then(() => sendNow(records, ready));
      last = sent.catch(() => {});
      return sent;
    },
    async close() {
      await last;
      const producer = await current?.catch(() => undefined);
      await producer?.disconnect();
    },
  };
}

/** In order, each small enough for one request even if all of it goes to one partition. */
function* parts(records: readonly ToSend[]): Generator<ToSend[]> {
  let part: ToSend[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = (record.value?.byteLength ?? 0) + recordOverheadBytes;
    if (part.length > 0 && bytes + size > requestMaxBytes) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(record);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

/** For what a caller of the bus hears. */
export function busFault(err: unknown): Fault {
  return new Fault({
    code: "unavailable",
    reason: "BUS_UNAVAILABLE",
    message: "the event bus is unavailable, try again shortly",
    retryAfterMs: 1_000,
    cause: err,
  });
}
