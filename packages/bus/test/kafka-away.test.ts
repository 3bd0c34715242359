import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { type LocalKafka, startKafka } from "@plinth/local-servers";
import { eventually, kafkaMissing } from "@plinth/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BusMessage } from "../src/index.ts";
import { createKafkaBus } from "../src/kafka/index.ts";

const missing = await kafkaMissing({ own: true });

describe.skipIf(missing)(`a broker that goes away${missing ? ` (${missing})` : ""}`, { timeout: 240_000 }, () => {
  let directory: string;
  let kafka: LocalKafka;
  let port: number;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "plinth-kafka-"));
    kafka = await startKafka({ directory, clock: systemClock });
    port = Number(kafka.address.split(":")[1]);
  });
  afterEach(async () => {
    await kafka.kill();
    await rm(directory, { recursive: true, force: true });
  });

  const message = (n: number): BusMessage => ({
    id: systemRandom.uuidv7(Date.now()),
    ...{ source: "shop", type: "shop.v1.Sold", subject: "items/1", topic: "shop.item.v1", key: "item" },
    ...{ actor: "anonymous", requestId: "", traceparent: undefined },
    time: new Date(1_700_000_000_000 + n),
    data: new TextEncoder().encode(String(n)),
  });

  test("what is published meanwhile is refused, and goes on with the same producer and consumer once it is back", async () => {
    const settings = {
      brokers: [kafka.bootstrapServers],
      ...{ tls: false, ca: undefined, sasl: undefined, prefix: "plinth." },
      ...{ partitions: 2, replication: 1, retentionMs: 3_600_000 },
    };
    const tools = { logger: silentLogger, clock: systemClock, random: systemRandom };
    const bus = createKafkaBus({ settings, clientId: "test", sessionTimeoutMs: 6_000, ...tools });
    const seen: number[] = [];
    const consumer = bus.subscribe({
      group: "g",
      topics: ["shop.item.v1"],
      handle: async ({ data }) => {
        const n = Number(new TextDecoder().decode(data));
        if (!seen.includes(n)) seen.push(n);
      },
    });
    await consumer.start?.();
    await bus.publish([message(0)]);
    await eventually(() => expect(seen).toEqual([0]), 60_000);

    await kafka.kill();
    const kept = message(1);
    await expect(bus.publish([kept])).rejects.toMatchObject({ code: "unavailable", reason: "BUS_UNAVAILABLE" });

    kafka = await startKafka({ directory, clock: systemClock, port });
    await eventually(() => bus.publish([kept, message(2)]), 60_000);
    await bus.publish([message(3)]);
    await eventually(() => expect(seen).toEqual([0, 1, 2, 3]), 90_000);
    await consumer.stop?.(AbortSignal.timeout(20_000));
    await bus.stop?.(AbortSignal.timeout(20_000));
  });
});
