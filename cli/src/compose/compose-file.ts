import type { NormalPlatformService } from "@plinth/platform";
import { cliWorkload } from "../local/admin-account.ts";
import { rolesOf } from "../local/databases.ts";
import { gatewayName } from "../local/local-service.ts";
import { tokenAudience, tokenIssuer } from "../local/service-env.ts";
import { workloadIssuer } from "../local/workload-tokens.ts";
import { backingServers } from "./backing-servers.ts";
import { type ComposeFile, type ComposeService, isReady, type Mounted, program } from "./compose-service.ts";
import {
  adminEmail,
  collectorUrl,
  envFile,
  folders,
  jwksFile,
  kafkaAddress,
  places,
  readyFile,
  root,
  tokenFile,
} from "./places.ts";

/** A service that the file is to run. */
export interface ComposeInput {
  manifest: NormalPlatformService;
  /** Of the manifest, relative to the Compose file, for example "services/auth". */
  folder: string;
  /** The manifest's file name. */
  file: string;
  /** Built here from the shared Dockerfile; otherwise the manifest's image is taken. */
  built: boolean;
}

/** Everything that runs the services on one Docker engine. Holds no secret: `secrets` makes them in volumes. */
export function composeFile(inputs: readonly ComposeInput[]): ComposeFile {
  const withSchema = inputs.filter(({ manifest }) => manifest.spec.database !== undefined);
  const migrated = withSchema.map(({ manifest }) => manifest.metadata.name);
  const everyFolder = [
    ...[folders.ground, folders.keys, folders.postgres, folders.redis],
    ...inputs.map(({ manifest }) => folders.service(manifest.metadata.name)),
    ...migrated.map(folders.migration),
    folders.service(cliWorkload),
  ];
  const filled = everyFolder.map((name) => volume(name, `${root}/${name}`));
  const manifests = inputs.map(({ manifest: { metadata } }) => ({
    source: metadata.name,
    target: `${places.manifests}/${metadata.name}.yaml`,
  }));
  const services: Record<string, ComposeService> = {
    secrets: {
      ...program("cli", ["node", "/app/main.js", "compose-secrets"]),
      // Gives each folder to the user of the program that reads it.
      user: "0:0",
      cap_add: ["CHOWN", "DAC_OVERRIDE", "FOWNER"],
      network_mode: "none",
      restart: "no",
      volumes: filled,
      configs: manifests,
    },
    ...backingServers({ secretsMade: { secrets: done } }),
    ground: {
      ...program("cli", ["node", "/app/main.js", "compose-ground"]),
      depends_on: { secrets: done, postgres: healthy },
      healthcheck: isReady(`process.exit(require("fs").existsSync("${readyFile}") ? 0 : 1)`),
      volumes: filled.filter(({ source }) => ![folders.postgres, folders.redis].includes(source as never)),
      configs: manifests,
    },
  };
  for (const input of withSchema) services[folders.migration(input.manifest.metadata.name)] = migration(input);
  for (const input of inputs) services[input.manifest.metadata.name] = service(input, manifests);
  services["administrator"] = administrator();
  return {
    name: "plinth",
    services,
    volumes: Object.fromEntries([...everyFolder, "postgres-data", "kafka-data"].map((name) => [volumeOf(name), {}])),
    configs: Object.fromEntries(
      inputs.map(({ manifest, folder, file }) => [manifest.metadata.name, { file: `./${folder}/${file}` }]),
    ),
  };
}

const done = { condition: "service_completed_successfully" } as const;
const healthy = { condition: "service_healthy" } as const;

/** Data keeps its name; what `secrets` fills says so. */
const volumeOf = (name: string): string => (name.endsWith("-data") ? name : `secrets-${name}`);

const volume = (name: string, target: string, readOnly = false) => ({
  type: "volume" as const,
  source: volumeOf(name),
  target,
  ...(readOnly ? { read_only: true } : {}),
});

const withEnv = ["node", `--env-file=${places.own}/${envFile}`, "/app/main.js"];

function migration({ manifest, folder }: ComposeInput): ComposeService {
  const { schema = "", migrations } = manifest.spec.database ?? {};
  return {
    ...program("migrator", withEnv),
    restart: "no",
    environment: {
      PLINTH_MIGRATION_SCHEMA: schema,
      PLINTH_MIGRATION_RUNTIME_ROLE: rolesOf(schema).runtime,
      PLINTH_MIGRATION_REPORT: "/dev/null",
    },
    depends_on: { ground: healthy },
    volumes: [
      volume(folders.migration(manifest.metadata.name), places.own, true),
      ...(migrations?.path === undefined
        ? []
        : [{ type: "bind" as const, source: `./${folder}/migrations`, target: "/migrations", read_only: true }]),
    ],
    ...(migrations?.path === undefined ? { tmpfs: ["/tmp", "/migrations"] } : {}),
  };
}

function service({ manifest, built }: ComposeInput, manifests: Mounted[]): ComposeService {
  const { metadata, spec } = manifest;
  const { name } = metadata;
  const isGateway = name === gatewayName;
  const own = spec.database === undefined ? {} : { [folders.migration(name)]: done };
  const bus = spec.events === undefined ? {} : { kafka: healthy };
  return {
    ...(built ? program(name, withEnv) : foreign(spec.image)),
    environment: {
      PLINTH_PORT: String(spec.port),
      PLINTH_DISCOVERY_DRIVER: "dns",
      PLINTH_DISCOVERY_DNS: `{service}:${spec.port}`,
      PLINTH_DISCOVERY_INTERVAL: "1s",
      PLINTH_CACHE_DRIVER: "redis",
      PLINTH_WORKLOAD_TOKEN_FILE: `${places.own}/${tokenFile}`,
      PLINTH_WORKLOAD_JWKS: `${places.keys}/${jwksFile}`,
      PLINTH_WORKLOAD_ISSUER: workloadIssuer,
      PLINTH_TOKEN_ISSUER: tokenIssuer,
      PLINTH_TOKEN_AUDIENCE: tokenAudience,
      PLINTH_OTLP_ENDPOINT: collectorUrl,
      ...(spec.events === undefined
        ? {}
        : {
            PLINTH_BUS_DRIVER: "kafka",
            PLINTH_KAFKA_BROKERS: kafkaAddress,
            PLINTH_KAFKA_PARTITIONS: "3",
            PLINTH_KAFKA_REPLICATION: "1",
          }),
      ...(isGateway ? { PLINTH_GATEWAY_ROUTES: places.manifests } : {}),
    },
    depends_on: {
      ground: healthy,
      ...own,
      ...bus,
      redis: healthy,
      ...Object.fromEntries((spec.dependsOn ?? []).map((other) => [other, healthy])),
      // Whoever is let in can sign in. `up --wait` takes a container that ends for one that failed unless others wait for its end.
      ...(isGateway ? { administrator: done } : {}),
    },
    healthcheck: isReady(
      'fetch("http://127.0.0.1:9090/readyz").then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))',
    ),
    volumes: [volume(folders.service(name), places.own, true), volume(folders.keys, places.keys, true)],
    // Nothing else can be reached from outside, and this only from the machine itself.
    ...(isGateway ? { ports: [`127.0.0.1:\${PLINTH_PORT:-8080}:${spec.port}`], configs: manifests } : {}),
  };
}

/** A service whose image was made elsewhere; it is to hold Node and /app/main.js as ours do. */
function foreign(image: string): ComposeService {
  const { build: _, ...rest } = program("", withEnv);
  return { ...rest, image };
}

/** Makes the first administrator. */
function administrator(): ComposeService {
  return {
    ...program("cli", [...withEnv, "administrator"]),
    restart: "no",
    environment: {
      PLINTH_ADMIN_EMAIL: adminEmail,
      PLINTH_IDENTITY_URL: "http://identity:8080",
      PLINTH_AUTHZ_URL: "http://authz:8080",
      PLINTH_WORKLOAD_TOKEN_FILE: `${places.own}/${tokenFile}`,
    },
    depends_on: { identity: healthy, authz: healthy },
    volumes: [volume(folders.service(cliWorkload), places.own, true)],
  };
}
