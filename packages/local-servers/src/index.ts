export { freePort } from "./free-port.ts";
export { installKafka, kafkaProblem, kafkaVersion } from "./kafka/install-kafka.ts";
export { type KafkaProperties, kafkaProperties } from "./kafka/kafka-properties.ts";
export { type LocalKafka, type LocalKafkaOptions, startKafka } from "./kafka/start-kafka.ts";
export { lastLines } from "./last-lines.ts";
export type { LocalServer } from "./local-server.ts";
export { findRedis, redisProblem } from "./redis/find-redis.ts";
export { type LocalRedis, type LocalRedisOptions, startRedis } from "./redis/start-redis.ts";
export { endLeftServer, type ServerProcess, type ServerProcessOptions, startServerProcess } from "./server-process.ts";
