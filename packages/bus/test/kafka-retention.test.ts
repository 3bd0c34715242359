import { randomBytes } from "node:crypto";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { eventually, kafkaMissing, testKafka } from "@plinth/testing";
import { Kafka, logLevel } from "kafkajs";
import { describe, expect, onTestFinished, test } from "vitest";
import type { BusMessage } from "../src/index.ts";
import { createKafkaBus, createKafkaDeadLetters } from "../src/kafka/index.ts";
import { kafkaNames } from "../src/kafka/kafka-settings.ts";

const missing = await kafkaMissing();
const group = "g";

describe.skipIf(missing)(`the retention of Kafka${missing ? ` (${missing})` : ""}`, () => {
  test("of an event that happened long ago begins when it is sent, and once more when it is handed back", async () => {
    const beginMs = Date.now();
    const brokers = await testKafka();
    const settings = {
      ...{ brokers, tls: false, ca: undefined, sasl: undefined, prefix: `test-${randomBytes(5).toString("hex")}.` },
      ...{ partitions: 1, replication: 1, retentionMs: 3_600_000 },
    };
    const tools = { logger: silentLogger, clock: systemClock, random: systemRandom };
    const names = kafkaNames(settings.prefix);
    const bus = createKafkaBus({ settings, clientId: "test", ...tools });
    const deadLetters = await createKafkaDeadLetters({ settings, ...tools });
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    onTestFinished(async () => {
      await deadLetters.close();
      await bus.stop?.(AbortSignal.timeout(20_000));
      await admin.disconnect();
    });
    /** How many records a topic has that were sent since the test began. */
    const sentNow = async (topic: string): Promise<number> => {
      const [all] = await admin.fetchTopicOffsets(topic);
      const [from] = await admin.fetchTopicOffsetsByTimestamp(topic, beginMs);
      return Number(all?.high) - Number(from?.offset);
    };

    const longAgo: BusMessage = {
      id: systemRandom.uuidv7(Date.now()),
      ...{ source: "shop", type: "shop.v1.Sold", subject: "items/1", topic: "shop.item.v1", key: "item" },
      ...{ actor: "anonymous", requestId: "", traceparent: undefined, data: Buffer.from("x"), time: new Date(0) },
    };
    await bus.publish([longAgo]);
    expect(await sentNow(names.topic(longAgo.topic))).toBe(1);

    const seen: BusMessage[] = [];
    let readable = false;
    const consumer = bus.subscribe({
      ...{ group, topics: [longAgo.topic], attemptsMax: 1 },
      handle: async (message) => {
        if (!readable) throw new Error("cannot read it");
        seen.push(message);
      },
    });
    await consumer.start?.();
    onTestFinished(() => consumer.stop?.(AbortSignal.timeout(20_000)));
    await eventually(async () => expect(await deadLetters.list({ group })).toHaveLength(1));
    expect(await sentNow(names.deadLetters(group))).toBe(1);
    readable = true;
    await deadLetters.replay({ group });
    expect(await sentNow(names.replays(group))).toBe(1);
    await eventually(() => expect(seen).toMatchObject([{ id: longAgo.id, time: longAgo.time }]));
  });
});
