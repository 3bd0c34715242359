import { kafkaVersion } from "@plinth/local-servers";
import { type ComposeService, confined, limits, quickHealthcheck, type Volume } from "./compose-service.ts";
import { folders, kafkaAddress, places } from "./places.ts";

/** Its log has a line for each span, with its name and its trace's id; whoever has a better place names it in `exporters`. */
const collectorSettings = `receivers:
  otlp:
    protocols:
      http:
        endpoint: 0.0.0.0:4318
processors:
  batch: {}
exporters:
  debug:
    verbosity: normal
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [debug]
`;

export interface BackingServersOptions {
  secretsMade: NonNullable<ComposeService["depends_on"]>;
}

/** The servers of other projects. Only PostgreSQL and Kafka keep data. */
export function backingServers({ secretsMade }: BackingServersOptions): Record<string, ComposeService> {
  const common = { restart: "unless-stopped", stop_grace_period: "60s" } as const;
  const [, kafkaPort] = kafkaAddress.split(":");
  return {
    postgres: {
      image: "postgres:18",
      ...common,
      ...confined,
      // Its entry point gives the data to its user and becomes that user.
      cap_add: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
      tmpfs: ["/tmp", "/var/run/postgresql"],
      environment: { POSTGRES_PASSWORD_FILE: `${places.own}/password` },
      depends_on: secretsMade,
      healthcheck: quickHealthcheck(["CMD", "pg_isready", "-q", "-h", "127.0.0.1", "-U", "postgres"]),
      volumes: [
        secretsOf(folders.postgres),
        { type: "volume", source: "postgres-data", target: "/var/lib/postgresql" },
      ],
      deploy: limits("2", "1G"),
    },
    redis: {
      image: "redis:8",
      ...common,
      ...confined,
      user: "999:999",
      entrypoint: ["redis-server", `${places.own}/redis.conf`],
      tmpfs: ["/tmp", "/data"],
      depends_on: secretsMade,
      // It answers that it wants a password: then it serves.
      healthcheck: quickHealthcheck(["CMD", "redis-cli", "ping"]),
      volumes: [secretsOf(folders.redis)],
      deploy: limits("1", "256M"),
    },
    kafka: {
      image: `apache/kafka:${kafkaVersion}`,
      ...common,
      // Its start script writes settings beside the program, so the root file system stays writable.
      cap_drop: confined.cap_drop,
      security_opt: confined.security_opt,
      environment: {
        CLUSTER_ID: "plinth-compose-0000001",
        KAFKA_NODE_ID: "1",
        KAFKA_PROCESS_ROLES: "broker,controller",
        KAFKA_LISTENERS: `PLAINTEXT://:${kafkaPort},CONTROLLER://:9093`,
        KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${kafkaAddress}`,
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
        KAFKA_CONTROLLER_QUORUM_VOTERS: "1@localhost:9093",
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: "1",
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: "1",
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: "0",
        KAFKA_LOG_DIRS: "/var/lib/kafka/data",
        KAFKA_HEAP_OPTS: "-Xmx512m",
      },
      // The port opens once the broker may serve. Kafka's own tools say no more, and start a Java each time.
      healthcheck: quickHealthcheck(["CMD", "bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/${kafkaPort}`]),
      volumes: [{ type: "volume", source: "kafka-data", target: "/var/lib/kafka/data" }],
      deploy: limits("2", "1G"),
    },
    collector: {
      image: "otel/opentelemetry-collector:0.130.0",
      ...common,
      ...confined,
      // Compose cannot write a file of its own into a container that is read-only.
      command: ["--config=env:COLLECTOR_SETTINGS"],
      environment: { COLLECTOR_SETTINGS: collectorSettings },
      deploy: limits("1", "256M"),
    },
  };
}

const secretsOf = (name: string): Volume => ({
  type: "volume",
  source: `secrets-${name}`,
  target: places.own,
  read_only: true,
});
