import { kafkaProblem, startKafka } from "@plinth/local-servers";
import type { Companion } from "./companion.ts";

/** The production event bus, as one broker. */
export const kafka: Companion = {
  name: "kafka",
  problem: () => kafkaProblem(),
  start: startKafka,
  env: ({ address }) => ({
    PLINTH_BUS_DRIVER: "kafka",
    PLINTH_KAFKA_BROKERS: address,
    // One machine: no copies, and no more partitions than it would ever run instances.
    PLINTH_KAFKA_PARTITIONS: "4",
    PLINTH_KAFKA_REPLICATION: "1",
  }),
};
