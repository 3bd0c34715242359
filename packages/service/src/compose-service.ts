import { createOutboxRelay, type EventBus } from "@plinth/bus";
import type { Caches } from "@plinth/cache";
import { type Clients, createAuthzAuthorizer, createClients } from "@plinth/clients";
import type { Resolver } from "@plinth/discovery";
import {
  alsoToOtlp,
  type Clock,
  type Component,
  type ConfigOf,
  type ConfigSource,
  type ConfigSpec,
  createAdminServer,
  createHealth,
  createLineWriter,
  createLogger,
  describeConfig,
  type Health,
  type Logger,
  type ProcessPlan,
  qualifiedServiceName,
  type Random,
  readConfig,
  startTelemetry,
  systemClock,
  systemRandom,
  type Telemetry,
  type WriteLine,
} from "@plinth/kernel";
import { createDatabase, type Database, type DatabaseOptions } from "@plinth/postgres";
import { ConfigurationService } from "@plinth/proto/plinth/audit/v1/configuration";
import { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import {
  type AccessTokenVerifier,
  type Authorizer,
  createAccessTokenVerifier,
  createAuthenticator,
  createKeySet,
  createRpcServer,
  createWorkloadTokenVerifier,
  type HttpRoutes,
  type ProtoComments,
  type ServiceRoutes,
} from "@plinth/rpc";
import { composeCaches, type SharedRedis } from "./compose-caches.ts";
import { composeDiscovery } from "./compose-discovery.ts";
import { createConfigurationReporter, type ReportConfiguration, settingsOf } from "./configuration-reporter.ts";
import { createDenialRecorder } from "./denial-recorder.ts";
import { discoveryConfigOf } from "./discovery-config.ts";
import { groupsOfNamespace } from "./groups-of-namespace.ts";
import { createModelPublisher } from "./model-publisher.ts";
import { openBus } from "./open-bus.ts";
import { createRegistration } from "./registration.ts";
import {
  type BaseConfig,
  baseConfig,
  busConfig,
  databaseConfig,
  kafkaBusConfig,
  postgresBusConfig,
  redisConfig,
} from "./service-config.ts";
import { createWorkloadTokenSource } from "./workload-token.ts";

const inboxRetentionMinMs = 30 * 86_400_000;

/** What a composition root gets to work with. */
export interface ServiceRuntime {
  name: string;
  instanceId: string;
  base: BaseConfig;
  logger: Logger;
  /** Where the logger writes: for lines that are put together elsewhere. */
  writeLine: WriteLine;
  clock: Clock;
  random: Random;
  health: Health;
  resolver: Resolver;
  clients: Clients;
  /** Verifies access tokens with the keys of the auth service. */
  accessTokens: AccessTokenVerifier;
  workloadToken: () => Promise<string | undefined>;
  /** For what this service runs with beside its settings. */
  reportConfiguration: ReportConfiguration;
  /** Makes caches by name; configuration decides where they are. */
  caches: Caches;
  /** With the cache driver redis: the connection that the caches use. */
  redis: SharedRedis | undefined;
  /** Only with `uses.database`. */
  database: Database;
  /** Only with `uses.bus`. With a database as well, the outbox is relayed to it: nobody has to think of it. */
  bus: EventBus;
}

/** What a composition root makes. */
export interface ServiceParts {
  services?: readonly ServiceRoutes[];
  httpRoutes?: HttpRoutes;
  /** Parts that start before the service is reachable and stop after it is not any more. */
  workers?: readonly Component[];
  /** The types that this service adds to the permission model (OpenFGA language, schema 1.1): put to authz at every start. */
  permissionModel?: string;
  /** Replaces the question to authz; for authz itself. */
  authorizer?: Authorizer;
  /** Replaces the keys of the auth service; for auth itself. */
  accessTokenKeys?: () => Promise<string>;
  /** Replaces the RPC server; for the gateway. */
  server?: Component & { port(): number };
}

export interface ServiceDefinition<S extends ConfigSpec = ConfigSpec> {
  name: string;
  version: string;
  /** The service's own keys. */
  config: S;
  uses: { database?: boolean; bus?: boolean };
  /** Of its proto files: the OpenAPI document has them as descriptions. Asked for when somebody reads that. */
  comments?: () => Promise<ProtoComments>;
  compose(runtime: ServiceRuntime, config: ConfigOf<S>): Promise<ServiceParts> | ServiceParts;
}

export interface ComposedService extends ProcessPlan {
  port(): number;
  adminPort(): number;
}

/** How long a service waits for its database; what is absent is as DatabaseOptions says. */
export type DatabasePatience = Pick<DatabaseOptions, "connectTimeoutMs" | "statementTimeoutMs">;

/** Wires a whole service: reads the configuration (throws ConfigError with every problem), opens nothing yet. */
export async function composeService<S extends ConfigSpec>(
  definition: ServiceDefinition<S>,
  source: ConfigSource,
  patience: DatabasePatience = {},
): Promise<ComposedService> {
  const spec = {
    ...baseConfig,
    ...discoveryConfigOf(source["PLINTH_DISCOVERY_DRIVER"]),
    ...(definition.uses.database ? databaseConfig : {}),
    ...(definition.uses.bus ? busConfig : {}),
    ...(source["PLINTH_CACHE_DRIVER"] === "redis" ? redisConfig : {}),
    ...(definition.uses.bus ? busDriverConfig(source["PLINTH_BUS_DRIVER"]) : {}),
    ...definition.config,
  };
  const config = readConfig(spec, source) as BaseConfig &
    Partial<
      ConfigOf<
        typeof databaseConfig & typeof busConfig & typeof postgresBusConfig & typeof kafkaBusConfig & typeof redisConfig
      >
    > &
    ConfigOf<S>;
  const clock = systemClock;
  const random = systemRandom;
  // The suffix tells a process from its predecessor of the same name, which may still be draining.
  const instanceId = `${config.instanceId ?? definition.name}-${random.uuidv7(clock.now()).slice(-6)}`;
  const lines = createLineWriter();
  const exportsLogs =
    config.telemetry === "on" && config.otlpEndpoint !== undefined && config.otlpSignals.includes("logs");
  const writeLine = exportsLogs ? alsoToOtlp(lines) : lines;
  const logger = createLogger({ service: definition.name, level: config.logLevel, write: writeLine }).child({
    instance: instanceId,
  });
  logger.debug({ config: describeConfig(spec, config as never) }, "configuration");
  const telemetry = config.telemetry === "on" ? telemetryFor(definition, instanceId, config, logger) : noTelemetry;
  const health = createHealth();
  const common = { applicationName: instanceId, logger, clock, random };
  const { resolver, registry } = await composeDiscovery(config, common);
  const workloadToken = createWorkloadTokenSource(config.workloadTokenFile, clock);
  const clients = createClients({ resolver, clock, random, logger, workloadToken });
  const database = config.databaseUrl
    ? createDatabase({
        ...common,
        ...patience,
        url: config.databaseUrl,
        health,
        ...(config.databasePoolMax ? { poolMax: config.databasePoolMax } : {}),
      })
    : undefined;
  const qualifiedName = qualifiedServiceName(definition.name, config);
  const openedBus = await openBus(config, common);
  const bus = openedBus ? groupsOfNamespace(openedBus, config) : undefined;
  const { caches, redis } = await composeCaches({ config, qualifiedName, instanceId, logger, clock, random });
  const verifierFor = (keys: () => Promise<string>): AccessTokenVerifier =>
    createAccessTokenVerifier({
      keys: createKeySet({ fetch: keys, clock }),
      issuer: config.tokenIssuer,
      audience: config.tokenAudience,
      clock,
    });
  const accessTokens = verifierFor(async () => (await clients.get(AuthService, "auth").getJwks({})).jwksJson);

  const configuration = createConfigurationReporter({
    audit: clients.get(ConfigurationService, "audit"),
    ...{ logger, clock, random },
  });
  configuration.report("settings", () => settingsOf(definition.version, spec, config as never));

  const runtime: ServiceRuntime = {
    name: definition.name,
    instanceId,
    base: config,
    ...{ logger, writeLine, clock, random, health, resolver, clients, accessTokens, workloadToken, caches, redis },
    reportConfiguration: configuration.report,
    get database() {
      return declared(database, "database");
    },
    get bus() {
      return declared(bus, "bus");
    },
  };
  const parts = await definition.compose(runtime, config as unknown as ConfigOf<S>);
  const denials = database && bus ? createDenialRecorder({ database, clock, logger }) : undefined;
  const server =
    parts.server ??
    createRpcServer({
      host: config.host,
      port: config.port,
      services: parts.services ?? [],
      openApi: { title: definition.name, version: definition.version, comments: definition.comments },
      ...(parts.httpRoutes ? { httpRoutes: parts.httpRoutes } : {}),
      onDenied: denials?.record,
      authenticator: createAuthenticator({
        accessTokens: parts.accessTokenKeys ? verifierFor(parts.accessTokenKeys) : accessTokens,
        workloadTokens: config.workloadJwks
          ? createWorkloadTokenVerifier({
              jwks: config.workloadJwks,
              issuer: config.workloadIssuer,
              clock,
              namespace: config.platformNamespace,
            })
          : undefined,
      }),
      authorizer: parts.authorizer ?? createAuthzAuthorizer(clients),
      ...{ health, logger, clock, random },
    });
  const admin = createAdminServer({ host: config.host, port: config.adminPort, health, telemetry });
  const registration = createRegistration({
    registry,
    service: definition.name,
    instanceId,
    host: config.advertiseHost ?? config.host,
    port: () => server.port(),
    ...{ health, clock, drainDelayMs: config.drainDelayMs },
  });
  const model =
    parts.permissionModel === undefined
      ? undefined
      : createModelPublisher({
          module: qualifiedName,
          dsl: parts.permissionModel,
          authz: clients.get(AuthzService, "authz"),
          ...{ health, logger, clock, random },
        });
  const relay =
    database && bus
      ? createOutboxRelay({
          ...{ database, bus, source: qualifiedName, logger, clock, random },
          // Nothing comes again that the bus has forgotten.
          inboxRetentionMs: Math.max(inboxRetentionMinMs, 2 * (config.kafkaRetentionMs ?? 0)),
        })
      : undefined;
  const telemetryPart: Component = { name: "telemetry", stop: () => telemetry.shutdown() };
  const all = [
    telemetryPart,
    admin,
    database,
    bus,
    redis?.link,
    resolver,
    registry,
    clients,
    relay,
    denials,
    model,
    configuration,
    ...(parts.workers ?? []),
    server,
    registration,
  ];
  return {
    logger,
    components: all.filter((part) => part !== undefined),
    port: () => server.port(),
    adminPort: () => admin.port(),
  };
}

/** Only the keys of the driver that is used are required. */
const busDriverConfig = (driver: string | undefined) => (driver === "kafka" ? kafkaBusConfig : postgresBusConfig);

function telemetryFor(
  definition: { name: string; version: string },
  instanceId: string,
  config: BaseConfig,
  logger: Logger,
): Telemetry {
  const { namespace } = config;
  // The operator names an instance after its pod.
  const pod =
    namespace === undefined
      ? {}
      : {
          "k8s.namespace.name": namespace,
          "k8s.pod.name": config.instanceId ?? instanceId,
          "k8s.deployment.name": definition.name,
        };
  return startTelemetry({
    service: definition.name,
    version: definition.version,
    instanceId,
    namespace: namespace ?? config.platformNamespace,
    resource: { ...pod, ...config.resourceAttributes },
    otlpEndpoint: config.otlpEndpoint,
    otlpSignals: config.otlpSignals,
    spanFile: config.spanFile,
    traceRatio: config.tracePercent / 100,
    logger,
  });
}

const noTelemetry: Telemetry = {
  metricsHandler: (_, response) => void response.writeHead(404).end("telemetry is off\n"),
  shutdown: async () => {},
};

function declared<T>(part: T | undefined, name: string): T {
  if (part === undefined) throw new Error(`the service definition does not say that it uses the ${name}`);
  return part;
}
