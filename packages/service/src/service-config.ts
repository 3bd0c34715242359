import {
  type ConfigOf,
  durationMs,
  integer,
  list,
  oneOf,
  optionalText,
  otlpSignals,
  pairs,
  secret,
  someOf,
  text,
  url,
} from "@plinth/kernel";

/** Where telemetry goes besides /metrics. The operator has the same keys. */
export const telemetryConfig = {
  otlpEndpoint: optionalText(
    "PLINTH_OTLP_ENDPOINT",
    "receiver of OTLP over HTTP (protobuf), for example http://collector:4318",
  ),
  otlpSignals: someOf(
    "PLINTH_OTLP_SIGNALS",
    "what is sent to it, comma-separated: traces, metrics, logs",
    otlpSignals,
    {
      default: ["traces"],
    },
  ),
  tracePercent: integer(
    "PLINTH_TRACE_PERCENT",
    "share of new traces that are recorded; those that a caller has begun go on as the caller decided",
    { default: 100, max: 100 },
  ),
  spanFile: optionalText(
    "PLINTH_SPAN_FILE",
    "spans are written to this file as well, for `plinth trace`; `plinth up` sets it",
  ),
  resourceAttributes: pairs(
    "OTEL_RESOURCE_ATTRIBUTES",
    "more attributes of this process for the receiver, for example k8s.node.name=n1,deployment.environment.name=test",
    { default: {} },
  ),
};

/** Keys that every service understands; the substrate (operator or CLI) sets them. */
export const baseConfig = {
  instanceId: optionalText(
    "PLINTH_INSTANCE_ID",
    "name of this process; made up when absent, and made unique by a suffix",
  ),
  host: text("PLINTH_HOST", "address to listen on", { default: "0.0.0.0" }),
  port: integer("PLINTH_PORT", "port for RPCs; 0 picks a free one", { default: 8080, max: 65_535 }),
  adminPort: integer("PLINTH_ADMIN_PORT", "port for /livez, /readyz and /metrics; 0 picks a free one", {
    default: 9090,
    max: 65_535,
  }),
  advertiseHost: optionalText(
    "PLINTH_ADVERTISE_HOST",
    "address that others reach this process at; the listening address when absent",
  ),
  logLevel: oneOf("PLINTH_LOG_LEVEL", "what is logged", ["debug", "info", "warn", "error"], { default: "info" }),
  telemetry: oneOf("PLINTH_TELEMETRY", "metrics and traces of this process", ["on", "off"], { default: "on" }),
  ...telemetryConfig,
  drainDelayMs: durationMs("PLINTH_DRAIN_DELAY", "time for callers to notice that this process drains", {
    default: "250ms",
  }),
  discoveryDriver: oneOf(
    "PLINTH_DISCOVERY_DRIVER",
    "where instances are registered and found",
    ["postgres", "kubernetes", "etcd", "consul", "dns", "static"],
    { default: "postgres" },
  ),
  discoveryMode: oneOf(
    "PLINTH_DISCOVERY_MODE",
    "on Kubernetes: call instances directly, or the Service's name where a mesh balances; the gateway's routes as well",
    ["endpoints", "service"],
    { default: "endpoints" },
  ),
  kubeconfig: optionalText(
    "KUBECONFIG",
    "for driver kubernetes: how to reach the cluster; the pod's own ServiceAccount when absent",
  ),
  discoveryStatic: list("PLINTH_DISCOVERY_STATIC", "for driver static: service=host:port, comma-separated", {
    default: [],
  }),
  workloadTokenFile: optionalText(
    "PLINTH_WORKLOAD_TOKEN_FILE",
    "file with this process's own workload token; read again as it changes",
  ),
  workloadJwks: optionalText("PLINTH_WORKLOAD_JWKS", "file or URL of the keys that workload tokens are signed with"),
  workloadIssuer: text("PLINTH_WORKLOAD_ISSUER", "issuer of workload tokens", { default: "plinth-local" }),
  namespace: optionalText("PLINTH_NAMESPACE", "Kubernetes namespace of this process; absent outside of Kubernetes"),
  platformNamespace: text(
    "PLINTH_PLATFORM_NAMESPACE",
    "Kubernetes namespace of the platform's own services: their names mean them everywhere",
    { default: "plinth" },
  ),
  cacheDriver: oneOf(
    "PLINTH_CACHE_DRIVER",
    "where caches are, and where the gateway counts its rate limits: each process for itself, or all in one Redis",
    ["memory", "redis"],
    { default: "memory" },
  ),
  tokenIssuer: text("PLINTH_TOKEN_ISSUER", "issuer of access tokens", { default: "plinth" }),
  tokenAudience: text("PLINTH_TOKEN_AUDIENCE", "audience of access tokens", { default: "plinth" }),
};

/** Keys whose values belong to one process: others of the same service have other ones. */
export const keysOfOneProcess: ReadonlySet<string> = new Set<keyof typeof baseConfig>([
  ...(["instanceId", "host", "port", "adminPort", "advertiseHost"] as const),
  ...(["spanFile", "resourceAttributes", "workloadTokenFile", "kubeconfig"] as const),
]);

const postgresUrl = { schemes: ["postgres", "postgresql"] };

export const databaseConfig = {
  databaseUrl: {
    ...url("PLINTH_DATABASE_URL", "PostgreSQL URL of this service's runtime role", postgresUrl),
    secret: true,
  },
  databasePoolMax: integer("PLINTH_DATABASE_POOL_MAX", "connections to PostgreSQL at most", {
    default: 10,
    min: 1,
    max: 500,
  }),
};

export const busConfig = {
  busDriver: oneOf("PLINTH_BUS_DRIVER", "the event bus", ["postgres", "kafka"], { default: "postgres" }),
};

export const postgresBusConfig = {
  busUrl: { ...url("PLINTH_BUS_URL", "for driver postgres: URL of the bus's role", postgresUrl), secret: true },
};

export const kafkaBusConfig = {
  kafkaBrokers: list("PLINTH_KAFKA_BROKERS", "for driver kafka: some of the brokers, host:port"),
  kafkaTls: oneOf("PLINTH_KAFKA_TLS", "TLS to the brokers", ["on", "off"], { default: "off" }),
  kafkaCaFile: optionalText(
    "PLINTH_KAFKA_CA_FILE",
    "PEM file of the authority that signed the brokers' certificates; the system's authorities when absent",
  ),
  kafkaSaslMechanism: oneOf(
    "PLINTH_KAFKA_SASL_MECHANISM",
    "how to sign in to the brokers",
    ["none", "plain", "scram-sha-256", "scram-sha-512"],
    { default: "none" },
  ),
  kafkaUsername: text("PLINTH_KAFKA_USERNAME", "for SASL", { default: "" }),
  kafkaPassword: secret("PLINTH_KAFKA_PASSWORD", "for SASL", { default: "" }),
  kafkaTopicPrefix: text(
    "PLINTH_KAFKA_TOPIC_PREFIX",
    "what the names of all topics and consumer groups begin with; the same for all services",
    { default: "plinth." },
  ),
  kafkaPartitions: integer(
    "PLINTH_KAFKA_PARTITIONS",
    "of topics that are made: how many instances of a service can consume at once",
    { default: 12, min: 1, max: 1_000 },
  ),
  kafkaReplication: integer("PLINTH_KAFKA_REPLICATION", "copies of topics that are made", {
    default: 3,
    min: 1,
    max: 32,
  }),
  kafkaRetentionMs: durationMs("PLINTH_KAFKA_RETENTION", "how long topics that are made keep events", {
    default: "7d",
  }),
};

export type KafkaBusConfig = ConfigOf<typeof kafkaBusConfig>;

export const redisConfig = {
  redisUrl: {
    ...url(
      "PLINTH_REDIS_URL",
      "redis:// or, with TLS, rediss:// URL with user, password and database; Redis 7 or newer",
      {
        schemes: ["redis", "rediss"],
      },
    ),
    secret: true,
  },
  redisCaFile: optionalText(
    "PLINTH_REDIS_CA_FILE",
    "PEM file of the authorities that sign the certificate of Redis; those of Node when absent",
  ),
  redisPrefix: text(
    "PLINTH_REDIS_PREFIX",
    "what all keys begin with; installations that share a Redis need their own",
    {
      default: "plinth:",
    },
  ),
};

export type BaseConfig = ConfigOf<typeof baseConfig>;
