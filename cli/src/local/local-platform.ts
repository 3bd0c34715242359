import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Clock, Component, Logger, Random } from "@plinth/kernel";
import { bundleService } from "./bundle.ts";
import type { Companion } from "./companions/companion.ts";
import { type KeptCompanions, keepCompanions } from "./companions/keep-companions.ts";
import { conflicts } from "./conflicts.ts";
import { createDatabases, type Databases, type SchemaAccess } from "./databases.ts";
import { dependencyOrder } from "./dependency-order.ts";
import { ManifestError } from "./find-manifests.ts";
import type { LocalPaths } from "./local-paths.ts";
import { gatewayName, type LocalService, type ReplicaCounts } from "./local-service.ts";
import { planService } from "./plan-service.ts";
import { type KeptPort, keepPort } from "./ports.ts";
import { keepPostgres, type PostgresKeeper } from "./postgres-keeper.ts";
import { preferredPostgresPort } from "./preferred-ports.ts";
import type { Announced } from "./registrar.ts";
import { clearRoutes, writeRoutes } from "./route-files.ts";
import { checkMigrations, type MigrationCheck, runMigrations } from "./run-migrations.ts";
import { openSecrets, type Secrets } from "./secrets.ts";
import type { PlatformEnv } from "./service-env.ts";
import { createSupervisor, type ServicePlan, type ServiceStatus, type Supervisor } from "./supervisor.ts";
import { createWorkloadTokens, type WorkloadTokens } from "./workload-tokens.ts";

export interface LocalPlatformOptions {
  paths: LocalPaths;
  /** Wanted for the gateway. */
  port: number;
  replicas: ReplicaCounts;
  /** Servers of other projects that run beside the services. */
  companions: readonly Companion[];
  logLevel: string;
  /** Bundles services by their folders; in use: processes may run what is there. Default: each as a whole. */
  bundle?: (folders: readonly string[], inUse: boolean) => Promise<void>;
  /** Shows one line of a service, or of "plinth" itself. */
  print: (label: string, text: string) => void;
  shell: Record<string, string | undefined>;
  logger: Logger;
  clock: Clock;
  random: Random;
}

/** PostgreSQL, schemas and services of one machine. */
export interface LocalPlatform {
  /** Brings everything up and resolves when all services are ready. */
  start(services: readonly LocalService[]): Promise<void>;
  /** Adds services to a running platform, or replaces those of the same name. */
  apply(services: readonly LocalService[]): Promise<void>;
  /**
   * Replaces processes of services that run already, each by itself, and says how that went: the milliseconds until the
   * new ones were ready, or the error that left the old ones in place. Builds and migrates nothing.
   */
  replace(services: readonly LocalService[]): Promise<(number | Error)[]>;
  /** Compares a service's migrations with what its schema has; undefined for a service without. */
  checkMigrations(service: LocalService): Promise<MigrationCheck | undefined>;
  services(): readonly LocalService[];
  status(): ServiceStatus[];
  /** Undefined without a gateway. */
  gatewayUrl(): string | undefined;
  tokens(): WorkloadTokens | undefined;
  /** host:port of the companions by name. */
  companions(): Promise<Record<string, string>>;
  /** The keys with which services reach the event bus. */
  busEnv(): Promise<Record<string, string>>;
  stop(): Promise<void>;
  kill(): void;
}

/** What exists once PostgreSQL runs. */
interface Ground {
  secrets: Secrets;
  postgres: PostgresKeeper;
  companions: KeptCompanions;
  databases: Databases;
  tokens: WorkloadTokens;
  platformEnv: PlatformEnv;
}

async function bundleWhole(folders: readonly string[], inUse: boolean): Promise<void> {
  await Promise.all(folders.map((folder) => bundleService(folder, { inUse })));
}

/** A program that is named in spec.local.command knows nothing of Plinth's registry. */
const isForeign = ({ manifest }: LocalService): boolean => manifest.spec.local?.command !== undefined;

export function createLocalPlatform(options: LocalPlatformOptions): LocalPlatform {
  const { paths, print, clock, logger, bundle = bundleWhole } = options;
  const say = (text: string) => print("plinth", text);
  const services = new Map<string, LocalService>();
  const generations = new Map<string, number>();
  const access = new Map<string, SchemaAccess>();
  const supervisor: Supervisor = createSupervisor({ ...options, logDirectory: paths.logs });
  let ground: Promise<Ground> | undefined;
  let tokens: WorkloadTokens | undefined;
  let gatewayPort: KeptPort | undefined;
  let registrar: Component | undefined;

  async function prepareGround(): Promise<Ground> {
    const begin = clock.monotonicMs();
    const secrets = await openSecrets(paths.secrets);
    for (const folder of [paths.run, paths.logs]) await mkdir(folder, { recursive: true, mode: 0o700 });
    await clearRoutes(paths.routes);
    // Much of it is of code that nothing runs any more.
    await rm(paths.compiled, { recursive: true, force: true });
    const companionsStarted = keepCompanions(options.companions, {
      home: paths.home,
      say,
      clock,
      random: options.random,
    });
    // Whoever fails first is reported; the other is stopped where both are known.
    companionsStarted.catch(() => {});
    const postgres = await keepPostgres(
      {
        dataDirectory: paths.postgresData,
        logFile: path.join(paths.logs, "postgres.log"),
        superuserPassword: secrets.postgresPassword,
        preferredPort: preferredPostgresPort,
      },
      { say: (text) => print("postgres", `! ${text}`), clock, random: options.random },
    );
    const databases = createDatabases(postgres.server, secrets);
    await databases.ensureDatabase();
    const urls = await databases.ensureInfrastructure();
    // Addresses in a backup may be those of the platform that it was made of, which may still be there.
    await databases.forgetInstances();
    tokens = createWorkloadTokens({
      privateKey: secrets.workloadKey,
      directory: paths.run,
      jwksFile: paths.workloadJwks,
      clock,
      logger,
    });
    await tokens.start?.();
    say(`PostgreSQL runs on port ${postgres.server.port} (${seconds(begin)})`);
    const companions = await companionsStarted;
    const platformEnv = {
      ...urls,
      companions: companions.env,
      workloadJwksFile: paths.workloadJwks,
      routesDirectory: paths.routes,
      logLevel: options.logLevel,
      traces: paths.traces,
      compiled: paths.compiled,
    };
    return { secrets, postgres, companions, databases, tokens, platformEnv };
  }

  const seconds = (begin: number) => `${((clock.monotonicMs() - begin) / 1000).toFixed(1)} s`;

  async function bundleAll(list: readonly LocalService[]): Promise<void> {
    const begin = clock.monotonicMs();
    const own = list.filter(({ manifest }) => manifest.spec.local?.command === undefined);
    await bundle(
      own.map(({ folder }) => folder),
      services.size > 0,
    );
    if (own.length > 0) say(`built ${own.map(({ name }) => name).join(", ")} (${seconds(begin)})`);
  }

  async function migrateAll(list: readonly LocalService[], on: Ground): Promise<void> {
    const emptyDirectory = path.join(paths.run, "no-migrations");
    await mkdir(emptyDirectory, { recursive: true });
    // One after the other: PostgreSQL refuses concurrent changes of the same database's rights.
    for (const { name, manifest } of list) {
      const schema = manifest.spec.database?.schema;
      if (schema === undefined) access.delete(name);
      else access.set(name, await on.databases.ensureSchema(schema, name));
    }
    await Promise.all(
      list.map(async (service) => {
        const own = access.get(service.name);
        if (!own) return;
        const tool = (line: string) => print(service.name, line);
        const applied = await runMigrations({ service, access: own, logger, clock, emptyDirectory, print: tool });
        if (applied.length > 0) say(`${service.name}: applied ${applied.join(", ")}`);
      }),
    );
  }

  async function plan(service: LocalService, on: Ground): Promise<ServicePlan> {
    const generation = (generations.get(service.name) ?? -1) + 1;
    generations.set(service.name, generation);
    const isGateway = service.name === gatewayName;
    if (isGateway && gatewayPort === undefined) {
      gatewayPort = await keepPort(options.port);
      if (gatewayPort.moved) say(`port ${options.port} is taken; the gateway uses ${gatewayPort.port}`);
    }
    return planService({
      service,
      replicas: options.replicas,
      generation,
      publicPort: isGateway ? gatewayPort?.port : undefined,
      platform: on.platformEnv,
      workloadTokenFile: await on.tokens.fileFor(service.name),
      databaseUrl: access.get(service.name)?.url,
      secrets: on.secrets,
      shell: options.shell,
    });
  }

  /** New services must get along with those that run; one that runs may only be replaced by its own kind. */
  function refuseConflicts(list: readonly LocalService[]): void {
    const kept = [...services.values()].filter(
      ({ name, core }) => !list.some((next) => next.name === name && next.core === core),
    );
    const problems = conflicts([...kept, ...list]);
    if (problems.length > 0) throw new ManifestError(problems);
  }

  // Two at a time would replace each other's processes.
  let turn: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  }

  async function apply(list: readonly LocalService[]): Promise<void> {
    refuseConflicts(list);
    const all = new Map([...services, ...list.map((service): [string, LocalService] => [service.name, service])]);
    dependencyOrder(
      [...all.values()].map(({ name, manifest }) => ({ name, dependsOn: manifest.spec.dependsOn ?? [] })),
    );
    ground ??= prepareGround();
    const [on] = await Promise.all([ground, bundleAll(list)]);
    await migrateAll(list, on);
    const plans: ServicePlan[] = [];
    for (const service of list) plans.push(await plan(service, on));
    await on.secrets.save();
    await writeRoutes(paths.routes, list);
    for (const service of list) services.set(service.name, service);
    const begin = clock.monotonicMs();
    say(`starting ${list.map(({ name }) => name).join(", ")}`);
    if (list.some(isForeign)) await announceForeign(on);
    await supervisor.apply(plans);
    say(`all ready (${seconds(begin)})`);
  }

  async function replaceOne(service: LocalService): Promise<number> {
    const begin = clock.monotonicMs();
    refuseConflicts([service]);
    const on = await (ground ?? Promise.reject(new Error("nothing runs yet")));
    if (service.manifest.spec.database?.schema !== access.get(service.name)?.schema) {
      throw new Error(`its database is another one: npx plinth restart ${service.name} makes it`);
    }
    const next = await plan(service, on);
    await on.secrets.save();
    await writeRoutes(paths.routes, [service]);
    await supervisor.apply([next]);
    services.set(service.name, service);
    return clock.monotonicMs() - begin;
  }

  /** Loaded and started only when there is a service that cannot announce itself. */
  async function announceForeign(on: Ground): Promise<void> {
    if (registrar) return;
    const { createRegistrar } = await import("./registrar.ts");
    registrar = createRegistrar({ discoveryUrl: on.platformEnv.discoveryUrl, ready: readyForeign, clock, logger });
    await registrar.start?.();
  }

  function readyForeign(): Announced[] {
    return supervisor.status().flatMap(({ name, instances }) => {
      const service = services.get(name);
      if (!service || !isForeign(service)) return [];
      const ready = instances.filter(({ state }) => state === "ready");
      return ready.map(({ label, pid, port }) => ({ service: name, instanceId: `${label}-${pid}`, port }));
    });
  }

  return {
    start: (list) => inTurn(() => apply(list)),
    apply: (list) => inTurn(() => apply(list)),
    replace: (list) => inTurn(() => Promise.all(list.map((service) => replaceOne(service).catch((err: Error) => err)))),
    async checkMigrations(service) {
      const own = access.get(service.name);
      return own && checkMigrations(service, own);
    },
    services: () => [...services.values()],
    status: () => supervisor.status(),
    gatewayUrl: () => (gatewayPort === undefined ? undefined : `http://127.0.0.1:${gatewayPort.port}`),
    tokens: () => tokens,
    companions: async () => (await ground)?.companions.addresses ?? {},
    async busEnv() {
      const { busUrl, companions } = (await ground)?.platformEnv ?? { busUrl: "", companions: {} };
      return { PLINTH_BUS_DRIVER: "postgres", PLINTH_BUS_URL: busUrl, ...companions };
    },
    kill: () => supervisor.kill(),
    async stop() {
      await registrar?.stop?.(AbortSignal.timeout(2_000));
      await supervisor.stop();
      gatewayPort?.release();
      const on = await ground?.catch(() => undefined);
      await on?.tokens.stop?.(AbortSignal.timeout(1_000));
      await Promise.all([on?.postgres.stop(), on?.companions.stop()]);
    },
  };
}
