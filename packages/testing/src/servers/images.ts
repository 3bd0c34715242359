import { kafkaVersion } from "@plinth/local-servers";

/** Production images, as the chart and the docs name them: the version that a test runs on when a container engine has them. */
export const images = {
  postgres: "postgres:18",
  redis: "redis:8",
  kafka: `apache/kafka:${kafkaVersion}`,
} as const;
