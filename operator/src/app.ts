import { readFile } from "node:fs/promises";
import {
  alsoToOtlp,
  type Component,
  type ConfigSource,
  createAdminServer,
  createHealth,
  createLineWriter,
  createLogger,
  describeConfig,
  type ProcessPlan,
  readConfig,
  startTelemetry,
  systemClock,
  systemRandom,
} from "@plinth/kernel";
import {
  type Controller,
  createApiClient,
  createEventRecorder,
  createHttpTransport,
  createLeaseElection,
  fenceWrites,
  loadClusterConfig,
  type Term,
  type Transport,
} from "@plinth/kube";
import { type OperatorConfig, operatorConfig } from "./config.ts";
import { createBackingSecrets } from "./platform-service/backing-secrets.ts";
import { createBus } from "./platform-service/bus.ts";
import { createCaches } from "./platform-service/caches.ts";
import { createClusterKeys } from "./platform-service/cluster-keys.ts";
import { createServiceController } from "./platform-service/controller.ts";
import { createDatabaseServer } from "./platform-service/database.ts";
import type { PlatformSettings } from "./platform-service/settings.ts";

export interface OperatorOptions {
  version: string;
  /** Sees every call to the API server; for tests. */
  wrapTransport?: (transport: Transport) => Transport;
}

export interface ComposedOperator extends ProcessPlan {
  adminPort(): number;
  isLeading(): boolean;
}

/** Wires the operator. Caches are warm in every replica; only the leader reconciles, and writes only while it leads. */
export async function composeOperator(source: ConfigSource, options: OperatorOptions): Promise<ComposedOperator> {
  const config = readConfig(operatorConfig, source);
  const clock = systemClock;
  const random = systemRandom;
  const lines = createLineWriter();
  const exportsLogs = config.otlpEndpoint !== undefined && config.otlpSignals.includes("logs");
  const write = exportsLogs ? alsoToOtlp(lines) : lines;
  const { logLevel: level, instanceId: instance } = config;
  const logger = createLogger({ service: "operator", level, write }).child({ instance });
  logger.debug({ config: describeConfig(operatorConfig, config) }, "configuration");
  const common = { clock, random, logger };
  const telemetry = startTelemetry({
    service: "operator",
    version: options.version,
    instanceId: config.instanceId,
    namespace: config.namespace,
    resource: { "k8s.namespace.name": config.namespace, "k8s.pod.name": config.instanceId },
    otlpEndpoint: config.otlpEndpoint,
    otlpSignals: config.otlpSignals,
    traceRatio: config.tracePercent / 100,
    logger,
  });
  const health = createHealth();
  const cluster = await loadClusterConfig({ kubeconfig: config.kubeconfig });
  const plain = createHttpTransport({ cluster, userAgent: `plinth-operator/${options.version}`, clock, random });
  const transport = options.wrapTransport?.(plain) ?? plain;
  const reader = createApiClient(transport);

  let controller: Controller | undefined;
  const reconcileAll = (): void => {
    for (const key of caches.services.cache.keys()) controller?.trigger(key);
  };
  const caches = createCaches({ ...common, client: reader, changed: reconcileAll });
  const keys = createClusterKeys({ transport, clock, logger, changed: reconcileAll });
  const { kafkaFolder, redisFolder } = config;
  const backing = createBackingSecrets({ kafkaFolder, redisFolder, clock, changed: reconcileAll });
  health.add("caches", () => {
    const { synced, lastError } = caches.services.status();
    return synced ? undefined : `PlatformServices are not listed yet: ${lastError ?? "waiting for the API server"}`;
  });

  /** Runs until the term ends; what a lost term had in hand cannot write any more. */
  async function lead(term: Pick<Term, "signal">, fenced: Transport): Promise<void> {
    const client = createApiClient(fenced);
    const database = createDatabaseServer();
    const events = createEventRecorder({
      ...common,
      client,
      controller: "plinth.dev/operator",
      instance: config.instanceId,
    });
    const bus = createBus({ ...common, client, server: database, namespace: config.namespace });
    const current = createServiceController({
      ...common,
      ...{ client, caches, keys, bus, backing, database, events },
      databaseUrl: () => readDatabaseUrl(config),
      settings: settingsOf(config),
      giveUpMs: config.finalizeTimeoutMs,
      workersMax: config.workersMax,
      resyncMs: config.resyncMs,
    });
    controller = current;
    await current.start?.();
    await ended(term.signal);
    controller = undefined;
    await current.stop?.(term.signal);
    await events.stop?.(AbortSignal.timeout(eventsFlushMs));
  }

  const leader = config.leaderElection
    ? createLeaseElection({
        ...common,
        client: reader,
        lease: { namespace: config.namespace, name: "plinth-operator" },
        identity: config.instanceId,
        lead: (term) => lead(term, fenceWrites(transport, term)),
      })
    : alwaysLeading((signal) => lead({ signal }, transport));
  const admin = createAdminServer({ host: config.host, port: config.adminPort, health, telemetry });
  const components: Component[] = [
    { name: "telemetry", stop: () => telemetry.shutdown() },
    admin,
    { name: "transport", stop: () => transport.close() },
    backing,
    caches,
    keys,
    leader,
    { name: "health", start: async () => health.setStarted(), stop: async () => health.setDraining() },
  ];
  return { logger, components, adminPort: () => admin.port(), isLeading: () => controller !== undefined };
}

const eventsFlushMs = 2_000;

function settingsOf(config: OperatorConfig): PlatformSettings {
  return {
    platformNamespace: config.namespace,
    gateway: { name: config.gatewayName, namespace: config.gatewayNamespace ?? config.namespace },
    migratorImage: config.migratorImage,
    migrationSource: config.migrationSource,
    tokenIssuer: config.tokenIssuer,
    tokenAudience: config.tokenAudience,
    logLevel: config.serviceLogLevel,
    otlpEndpoint: config.serviceOtlpEndpoint,
    discoveryMode: config.serviceDiscoveryMode,
    metricsNamespaces: config.metricsNamespaces,
  };
}

/** A file that is missing or empty means the same as none at all: the Secret may come later. */
async function readDatabaseUrl(config: OperatorConfig): Promise<string | undefined> {
  if (config.databaseUrlFile === undefined) return config.databaseUrl;
  const text = await readFile(config.databaseUrlFile, "utf8").catch(() => "");
  return text.trim() || config.databaseUrl;
}

function alwaysLeading(lead: (signal: AbortSignal) => Promise<void>): Component {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  return {
    name: "controller without election",
    async start() {
      running = lead(stopping.signal);
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
