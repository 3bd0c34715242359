import type { Limit } from "./limit-list.ts";

/** Limits of the event bus on Kafka. */
const kafkaLimits: Readonly<Record<string, readonly Limit[]>> = {
  "packages/bus/src/append-event.ts": [
    { name: "eventMaxBytes", meaning: "the data of an event; then `EVENT_TOO_LARGE`" },
  ],
  "packages/bus/src/kafka/kafka-client.ts": [
    { name: "connectionTimeoutMs", meaning: "connecting to a Kafka broker" },
    { name: "requestTimeoutMs", meaning: "a request to a Kafka broker" },
  ],
  "packages/bus/src/kafka/kafka-producer.ts": [
    { name: "requestMaxBytes", meaning: "records in one request to Kafka, unless it is one" },
    { name: "recordOverheadBytes", meaning: "counted for the headers of each" },
  ],
  "packages/bus/src/kafka/kafka-topics.ts": [
    { name: "leadersTimeoutMs", meaning: "until a new Kafka topic has leaders" },
    { name: "leadersPollMs", meaning: "between two looks meanwhile" },
  ],
  "packages/bus/src/kafka/kafka-consumer.ts": [
    { name: "sessionTimeoutMs", meaning: "a Kafka consumer that is not heard of keeps its partitions" },
    { name: "heartbeatMs", meaning: "between two signs of life of a Kafka consumer" },
    { name: "rebalanceTimeoutMs", meaning: "a group waits for a member with an event in hand when partitions move" },
    { name: "topicRefreshMs", meaning: "a consumer of every topic looks for new ones each" },
    { name: "stallMs", meaning: "a Kafka client that says nothing is replaced after" },
    { name: "disconnectTimeoutMs", meaning: "a Kafka consumer may take to leave its group" },
    { name: "fetchMaxBytes", meaning: "events that a Kafka consumer holds in memory" },
    { name: "fetchPartitionMaxBytes", meaning: "those of one partition" },
    { name: "fetchWaitMs", meaning: "Kafka holds a question for events when there are none" },
    { name: "commitIntervalMs", meaning: "between two commits of how far a Kafka consumer is" },
    { name: "commitMessagesMax", meaning: "events handled before such a commit" },
    { name: "partitionsAtOnceMax", meaning: "partitions whose events are handled at once by one Kafka consumer" },
  ],
  "packages/bus/src/kafka/kafka-settings.ts": [
    { name: "deadLetterRetentionMs", meaning: "dead letters are kept on Kafka" },
    { name: "replayRetentionMs", meaning: "events that were handed back are kept for a group that is away" },
  ],
  "packages/bus/src/kafka/kafka-dead-letters.ts": [
    { name: "readTimeoutMs", meaning: "reading a group's dead letters" },
  ],
  "packages/bus/src/kafka/dead-letter-headers.ts": [
    { name: "errorCharsMax", meaning: "characters kept of the error of a dead letter", unit: "count" },
  ],
};

/** Limits of databases, outbox, inbox and bus. */
export const databaseAndEvents: Readonly<Record<string, Readonly<Record<string, readonly Limit[]>>>> = {
  "PostgreSQL and events": {
    "packages/postgres/src/trace-statements.ts": [
      { name: "textMax", meaning: "characters of a statement in its span", unit: "count" },
      { name: "summariesMax", meaning: "statements whose short names are remembered" },
    ],
    "packages/postgres/src/database.ts": [
      { name: "startPatienceMs", meaning: "at start, until a server that does not answer ends the process" },
      { name: "startRetryMs", meaning: "between two tries meanwhile" },
      { name: "poolMax", meaning: "connections of a service; `PLINTH_DATABASE_POOL_MAX`" },
      { name: "statementTimeoutMs", meaning: "a statement; then `DATABASE_STATEMENT_TIMEOUT`" },
      { name: "connectTimeoutMs", meaning: "a connection, and the wait for a free one" },
      { name: "idleTimeoutMillis", meaning: "an idle connection is kept", unit: "ms" },
      { name: "attemptsMax", meaning: "attempts of a transaction that lost a serialization race" },
      { name: "pingIntervalMs", meaning: "between two looks whether PostgreSQL is there" },
      { name: "pingTimeoutMs", meaning: "such a look; then the service is not ready" },
    ],
    "packages/postgres/src/migrate/migrate.ts": [
      { name: "lockTimeoutMs", meaning: "a migration waits for the lock of another migrator" },
    ],
    "packages/bus/src/outbox-relay.ts": [
      { name: "pollMs", meaning: "delay of an event whose wake-up was missed" },
      { name: "lockRetryMs", meaning: "between two attempts to become the relay of a service" },
      { name: "alertAgeMs", meaning: "an event waits in the outbox until that is an error in the log" },
      { name: "tidyIntervalMs", meaning: "between two looks whether a slot of the outbox can be truncated" },
      { name: "forgetIntervalMs", meaning: "between two removals of old marks from the inbox" },
    ],
    "packages/postgres/src/outbox-reader.ts": [
      { name: "outboxBatchMax", meaning: "events published at a time" },
      { name: "batchMaxBytes", meaning: "their data together, unless it is one" },
      { name: "gapsMax", meaning: "gaps that transactions leave in the outbox, before the relay waits for them" },
      { name: "slotRowsMax", meaning: "events in a slot of the outbox, before the next one is used" },
      { name: "slotMaxS", meaning: "a slot is used while there are fewer" },
      { name: "truncateLockTimeoutMs", meaning: "a slot's last writers are waited for before it is truncated" },
    ],
    "packages/postgres/src/inbox.ts": [{ name: "forgetRowsMax", meaning: "marks removed from the inbox at a time" }],
    "packages/service/src/compose-service.ts": [
      {
        name: "inboxRetentionMinMs",
        meaning: "handled events are remembered; twice `PLINTH_KAFKA_RETENTION` when that is longer",
      },
    ],
    "packages/bus/src/postgres/schema.ts": [{ name: "partitionCount", meaning: "partitions of a topic" }],
    "packages/bus/src/postgres/postgres-bus.ts": [
      { name: "retentionMs", meaning: "events are kept for consumers" },
      { name: "poolMax", meaning: "connections of a service to the bus" },
      { name: "pruneIntervalMs", meaning: "between two removals of old events" },
    ],
    "packages/bus/src/postgres/postgres-consumer.ts": [
      { name: "replaysMax", meaning: "dead letters that a group is handed back at a time" },
      { name: "pollMs", meaning: "delay of an event whose wake-up was missed" },
    ],
    "packages/bus/src/handle-together.ts": [
      {
        name: "togetherMax",
        meaning: "events of a partition that are handled at once, and read from PostgreSQL at a time",
      },
      { name: "togetherMaxBytes", meaning: "none is added once their data has so many" },
    ],
    ...kafkaLimits,
    "packages/bus/src/deliver.ts": [
      { name: "attemptsMax", meaning: "attempts to consume an event before it is put aside" },
    ],
  },
};
