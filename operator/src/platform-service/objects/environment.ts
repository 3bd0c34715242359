import type { KafkaAccess, RedisAccess } from "../backing.ts";
import { childNames } from "../labels.ts";
import type { PodInputs } from "./pod-template.ts";
import { caEntry } from "./secrets.ts";

/** As a container has it. */
export interface EnvEntry {
  name: string;
  value?: string;
  valueFrom?: {
    fieldRef?: { fieldPath: string };
    secretKeyRef?: { name: string; key: string; optional?: boolean };
    configMapKeyRef?: { name: string; key: string; optional?: boolean };
  };
}

export const workloadFolder = "/var/run/secrets/plinth";

const fromField = (name: string, fieldPath: string): EnvEntry => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const fromSecret = (name: string, secret: string, key = "url"): EnvEntry => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
});

/** Where the authorities of Kafka and Redis are mounted. */
export const kafkaFolder = "/var/run/secrets/plinth-kafka";
export const redisFolder = "/var/run/secrets/plinth-redis";

/** The service's own variables, then the platform's, which a manifest cannot replace. */
export function environment({
  service,
  settings,
  workloadIssuer,
  backing,
}: Omit<PodInputs, "credentials">): EnvEntry[] {
  const { spec } = service;
  const { name } = service.metadata;
  const platform: EnvEntry[] = [
    fromField("PLINTH_INSTANCE_ID", "metadata.name"),
    fromField("PLINTH_NAMESPACE", "metadata.namespace"),
    fromField("PLINTH_ADVERTISE_HOST", "status.podIP"),
    { name: "PLINTH_PLATFORM_NAMESPACE", value: settings.platformNamespace },
    { name: "PLINTH_PORT", value: String(spec.port) },
    { name: "PLINTH_ADMIN_PORT", value: String(spec.adminPort) },
    { name: "PLINTH_DISCOVERY_DRIVER", value: "kubernetes" },
    { name: "PLINTH_WORKLOAD_TOKEN_FILE", value: `${workloadFolder}/workload-token` },
    { name: "PLINTH_WORKLOAD_JWKS", value: `${workloadFolder}/jwks.json` },
    { name: "PLINTH_WORKLOAD_ISSUER", value: workloadIssuer },
    { name: "PLINTH_TOKEN_ISSUER", value: settings.tokenIssuer },
    { name: "PLINTH_TOKEN_AUDIENCE", value: settings.tokenAudience },
    ...(spec.database ? [fromSecret("PLINTH_DATABASE_URL", childNames.databaseSecret(name))] : []),
    ...(spec.events ? busEnvironment(name, backing.kafka) : []),
    ...(backing.redis ? redisEnvironment(name, backing.redis) : []),
  ];
  // What people may want otherwise for one service.
  const replaceable: EnvEntry[] = [
    { name: "PLINTH_LOG_LEVEL", value: settings.logLevel },
    ...(settings.otlpEndpoint ? [{ name: "PLINTH_OTLP_ENDPOINT", value: settings.otlpEndpoint }] : []),
    ...(settings.discoveryMode === "service" ? [{ name: "PLINTH_DISCOVERY_MODE", value: settings.discoveryMode }] : []),
  ];
  const own = (spec.env ?? []) as EnvEntry[];
  const taken = new Set(platform.map((entry) => entry.name));
  const replaced = new Set(own.map((entry) => entry.name));
  return [
    ...own.filter((entry) => !taken.has(entry.name)),
    ...replaceable.filter((entry) => !replaced.has(entry.name)),
    ...platform,
  ];
}

function busEnvironment(service: string, kafka: KafkaAccess | undefined): EnvEntry[] {
  if (!kafka)
    return [
      { name: "PLINTH_BUS_DRIVER", value: "postgres" },
      fromSecret("PLINTH_BUS_URL", childNames.busSecret(service)),
    ];
  const secret = childNames.kafkaSecret(service);
  return [
    { name: "PLINTH_BUS_DRIVER", value: "kafka" },
    fromSecret("PLINTH_KAFKA_BROKERS", secret, "brokers"),
    { name: "PLINTH_KAFKA_TLS", value: kafka.tls ? "on" : "off" },
    ...(kafka.ca === undefined ? [] : [{ name: "PLINTH_KAFKA_CA_FILE", value: `${kafkaFolder}/${caEntry}` }]),
    { name: "PLINTH_KAFKA_SASL_MECHANISM", value: kafka.mechanism },
    ...(kafka.partitions === undefined ? [] : [{ name: "PLINTH_KAFKA_PARTITIONS", value: String(kafka.partitions) }]),
    ...(kafka.replication === undefined
      ? []
      : [{ name: "PLINTH_KAFKA_REPLICATION", value: String(kafka.replication) }]),
    ...(kafka.credentials
      ? [
          fromSecret("PLINTH_KAFKA_USERNAME", secret, "username"),
          fromSecret("PLINTH_KAFKA_PASSWORD", secret, "password"),
        ]
      : []),
  ];
}

const redisEnvironment = (service: string, redis: RedisAccess): EnvEntry[] => [
  { name: "PLINTH_CACHE_DRIVER", value: "redis" },
  fromSecret("PLINTH_REDIS_URL", childNames.redisSecret(service)),
  ...(redis.ca === undefined ? [] : [{ name: "PLINTH_REDIS_CA_FILE", value: `${redisFolder}/${caEntry}` }]),
];
