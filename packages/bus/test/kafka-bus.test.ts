import { randomBytes } from "node:crypto";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { kafkaMissing, testKafka } from "@plinth/testing";
import { describe } from "vitest";
import { busContract } from "../src/bus.contract.ts";
import { createKafkaBus, createKafkaConsumerGroups, createKafkaDeadLetters } from "../src/kafka/index.ts";

const missing = await kafkaMissing();

describe.skipIf(missing)(`kafka${missing ? ` (${missing})` : ""}`, () => {
  busContract("kafka", async () => {
    const settings = {
      brokers: await testKafka(),
      ...{ tls: false, ca: undefined, sasl: undefined },
      prefix: `test-${randomBytes(5).toString("hex")}.`,
      ...{ partitions: 4, replication: 1, retentionMs: 3_600_000 },
    };
    const tools = { logger: silentLogger, clock: systemClock, random: systemRandom };
    const deadLetters = await createKafkaDeadLetters({ settings, ...tools });
    const groups = await createKafkaConsumerGroups({ settings, logger: silentLogger });
    return {
      async connect() {
        // Whoever stops says goodbye, so that nobody waits for it; a process that has no turn for seconds keeps its partitions.
        const bus = createKafkaBus({ settings, clientId: "test", sessionTimeoutMs: 30_000, ...tools });
        await bus.start?.();
        return bus;
      },
      deadLetters,
      groups,
      async close() {
        await groups.close();
        await deadLetters.close();
      },
    };
  });
});
