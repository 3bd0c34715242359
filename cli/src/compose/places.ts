/** Where things are in the containers of the Compose file. Each folder below `root` is a volume of its own. */
export const root = "/plinth";

export const places = {
  manifests: "/etc/plinth/manifests",
  /** What a program finds as its own: its environment and, for services, its workload token. */
  own: `${root}/own`,
  keys: `${root}/keys`,
} as const;

/** Environments, in the format of `node --env-file`. */
export const envFile = "env";
export const tokenFile = "workload-token";
export const jwksFile = "workload-jwks.json";
export const readyFile = "/tmp/ready";

/** Names of the folders below `root`, as those who fill them see them. */
export const folders = {
  ground: "ground",
  keys: "keys",
  postgres: "postgres",
  redis: "redis",
  service: (name: string): string => name,
  migration: (name: string): string => `migrate-${name}`,
} as const;

export const postgresAddress = { host: "postgres", port: 5432 } as const;
export const redisAddress = "redis:6379";
export const kafkaAddress = "kafka:9092";
export const collectorUrl = "http://collector:4318";

/** The user of all of Plinth's images. */
export const userId = 65_532;
export const adminEmail = "admin@plinth.localhost";
