import {
  bool,
  type ConfigOf,
  durationMs,
  integer,
  list,
  oneOf,
  optionalText,
  otlpSignals,
  someOf,
  text,
  url,
} from "@plinth/kernel";

/** Keys of the operator; the chart sets them. */
export const operatorConfig = {
  instanceId: text("PLINTH_INSTANCE_ID", "name of this process, for people: the pod's name", {
    default: "plinth-operator",
  }),
  host: text("PLINTH_HOST", "address of the admin port", { default: "0.0.0.0" }),
  adminPort: integer("PLINTH_ADMIN_PORT", "port for /livez, /readyz and /metrics; 0 picks a free one", {
    default: 9090,
    max: 65_535,
  }),
  logLevel: oneOf("PLINTH_LOG_LEVEL", "what is logged", ["debug", "info", "warn", "error"], { default: "info" }),
  otlpEndpoint: optionalText("PLINTH_OTLP_ENDPOINT", "receiver of OTLP over HTTP (protobuf) for the operator itself"),
  otlpSignals: someOf(
    "PLINTH_OTLP_SIGNALS",
    "what is sent to it, comma-separated: traces, metrics, logs",
    otlpSignals,
    {
      default: ["traces"],
    },
  ),
  tracePercent: integer("PLINTH_TRACE_PERCENT", "share of reconciles that are traced", { default: 10, max: 100 }),
  kubeconfig: optionalText(
    "KUBECONFIG",
    "file that says how to reach the API server; the pod's own account when absent",
  ),
  namespace: text("PLINTH_PLATFORM_NAMESPACE", "namespace of the operator and of the platform's own services", {
    default: "plinth",
  }),
  leaderElection: bool("PLINTH_OPERATOR_LEADER_ELECTION", "false only where no second operator can run", {
    default: true,
  }),
  workersMax: integer("PLINTH_OPERATOR_WORKERS_MAX", "services that are reconciled at once", {
    default: 8,
    min: 1,
    max: 64,
  }),
  resyncMs: durationMs(
    "PLINTH_OPERATOR_RESYNC",
    "every service is looked at again at least this often, although watches tell of every change",
    { default: "10h", min: "1s" },
  ),
  databaseUrl: {
    ...optionalText("PLINTH_OPERATOR_DATABASE_URL", "PostgreSQL URL of a role that may create schemas and roles"),
    secret: true,
  },
  databaseUrlFile: optionalText(
    "PLINTH_OPERATOR_DATABASE_URL_FILE",
    "file with that URL, read again at each use: a mounted Secret; goes before PLINTH_OPERATOR_DATABASE_URL",
  ),
  kafkaFolder: optionalText(
    "PLINTH_OPERATOR_KAFKA_FOLDER",
    "folder with the mounted Secret of Kafka, read again as it changes; absent: events go through PostgreSQL",
  ),
  redisFolder: optionalText(
    "PLINTH_OPERATOR_REDIS_FOLDER",
    "folder with the mounted Secret of Redis, read again as it changes; absent: services do without one",
  ),
  finalizeTimeoutMs: durationMs(
    "PLINTH_OPERATOR_FINALIZE_TIMEOUT",
    "after this time a deleted service whose database cannot be reached is let go, with an Event",
    { default: "30s" },
  ),
  gatewayName: text("PLINTH_GATEWAY_NAME", "Gateway that routes attach to", { default: "plinth" }),
  gatewayNamespace: optionalText("PLINTH_GATEWAY_NAMESPACE", "its namespace; PLINTH_PLATFORM_NAMESPACE when absent"),
  migratorImage: text("PLINTH_MIGRATOR_IMAGE", "image that applies migrations", { default: "plinth/migrator:0.1.0" }),
  migrationSource: oneOf(
    "PLINTH_MIGRATION_SOURCE",
    "how migration files leave a service's image: copy (needs cp in it) or image-volume (needs Kubernetes 1.35)",
    ["copy", "image-volume"],
    { default: "copy" },
  ),
  tokenIssuer: url("PLINTH_TOKEN_ISSUER", "issuer of access tokens: the gateway's public URL", {
    default: "http://plinth.localhost",
    schemes: ["http", "https"],
  }),
  tokenAudience: text("PLINTH_TOKEN_AUDIENCE", "audience of access tokens", { default: "plinth" }),
  serviceLogLevel: oneOf("PLINTH_SERVICE_LOG_LEVEL", "what services log", ["debug", "info", "warn", "error"], {
    default: "info",
  }),
  serviceOtlpEndpoint: optionalText("PLINTH_SERVICE_OTLP_ENDPOINT", "OTLP/HTTP receiver of the services' traces"),
  serviceDiscoveryMode: oneOf(
    "PLINTH_SERVICE_DISCOVERY_MODE",
    "PLINTH_DISCOVERY_MODE of services that do not say otherwise: service inside a service mesh",
    ["endpoints", "service"],
    { default: "endpoints" },
  ),
  metricsNamespaces: list("PLINTH_METRICS_NAMESPACES", "namespaces that may scrape the services' metrics", {
    default: [],
  }),
};

export type OperatorConfig = ConfigOf<typeof operatorConfig>;
