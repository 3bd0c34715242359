export { createKafkaBus, type KafkaBusOptions } from "./kafka-bus.ts";
export { createKafkaConsumerGroups, type KafkaConsumerGroupsOptions } from "./kafka-consumer-groups.ts";
export { createKafkaDeadLetters, type KafkaDeadLettersOptions } from "./kafka-dead-letters.ts";
export type { KafkaLogin, KafkaSettings } from "./kafka-settings.ts";
