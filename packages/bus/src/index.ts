export { appendEvent, contextOf, type EventContext, type NewEvent } from "./append-event.ts";
export type { BusMessage, EventBus, SubscribeOptions } from "./bus.ts";
export type { ConsumerGroups, GroupLag } from "./consumer-groups.ts";
export type { DeadLetter, DeadLetterFilter, DeadLetters } from "./dead-letters.ts";
export { createOutboxRelay, type OutboxRelayOptions } from "./outbox-relay.ts";
export { createPostgresBus, type PostgresBusOptions } from "./postgres/postgres-bus.ts";
export {
  createPostgresConsumerGroups,
  type PostgresConsumerGroupsOptions,
} from "./postgres/postgres-consumer-groups.ts";
export { createPostgresDeadLetters, type PostgresDeadLettersOptions } from "./postgres/postgres-dead-letters.ts";
export { busSchemaSql } from "./postgres/schema.ts";
