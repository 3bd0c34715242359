import { locateService, type Random } from "@plinth/kernel";
import { isOwnedBy, isTrue, objectKey } from "@plinth/kube";
import type { BackingSecrets } from "./backing-secrets.ts";
import type { Bus } from "./bus.ts";
import type { Caches } from "./caches.ts";
import type { ClusterKeys } from "./cluster-keys.ts";
import { deriveFacts } from "./facts.ts";
import { labels } from "./labels.ts";
import type { Dependency, Observed } from "./observed.ts";
import { podNotes } from "./pod-notes.ts";
import type { ServiceObject } from "./resources.ts";
import type { PlatformSettings } from "./settings.ts";

/** Where observations come from. */
export interface Sources {
  caches: Caches;
  keys: Pick<ClusterKeys, "current">;
  bus: Bus;
  backing: Pick<BackingSecrets, "current">;
  /** URL of the PostgreSQL server's administrator, read anew each time; undefined when there is none. */
  databaseUrl: () => Promise<string | undefined>;
  random: Random;
  settings: PlatformSettings;
}

/** Reads everything about one service once. What is missing is undefined; only a failing API server throws. */
export async function gather(service: ServiceObject, sources: Sources, signal: AbortSignal): Promise<Observed> {
  const { caches, settings } = sources;
  const { spec } = service;
  const serverUrl = spec.database || spec.events ? await sources.databaseUrl() : undefined;
  const backing = sources.backing.current();
  // With a Kafka that is told badly there is no bus: events must not go to another one meanwhile.
  const busInPostgres = spec.events && !("trouble" in backing) && backing.kafka === undefined;
  const observed: Observed = {
    children: caches.childrenOf(objectKey(service.metadata)).filter((object) => isOwnedBy(object, service)),
    dependencies: (spec.dependsOn ?? []).map((name) => dependency(name, service, sources)),
    databaseServer: serverUrl === undefined ? undefined : { url: serverUrl },
    freshPasswords: spec.database ? freshPasswords(sources.random) : undefined,
    backing,
    bus: busInPostgres && serverUrl !== undefined ? await sources.bus.url(serverUrl, signal) : undefined,
    workloadKeys: sources.keys.current(),
    gatewayApi: {
      served: caches.hasGatewayApi(),
      gateway: caches.gateways.cache.get(objectKey(settings.gateway)),
    },
    migrationPods: [],
    serverPods: [],
  };
  const { migration } = deriveFacts(service, settings, observed);
  const job = "job" in migration ? migration.job?.metadata.name : undefined;
  const pods = caches.podsOf(objectKey(service.metadata));
  return {
    ...observed,
    migrationPods: podNotes(pods.filter(({ metadata }) => job !== undefined && metadata.labels?.[jobLabel] === job)),
    serverPods: podNotes(pods.filter(({ metadata }) => metadata.labels?.[labels.component] === "server")),
  };
}

/** Set by the Job controller. */
const jobLabel = "batch.kubernetes.io/job-name";

/** A dependency is named as in a call. Serving is what counts, not being ready: its route may need the gateway. */
function dependency(name: string, service: ServiceObject, { caches, settings }: Sources): Dependency {
  const { platformNamespace } = settings;
  const key = objectKey(locateService(name, { namespace: service.metadata.namespace, platformNamespace }));
  const found = caches.services.cache.get(key);
  return { name, found: found !== undefined, available: isTrue(found?.status?.conditions, "Available") };
}

/** Base64url: goes into a connection URL as it is. */
function freshPasswords(random: Random): { ddl: string; runtime: string } {
  const make = (): string => Buffer.from(random.bytes(24)).toString("base64url");
  return { ddl: make(), runtime: make() };
}
