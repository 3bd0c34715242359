import { contentHash, resources } from "@plinth/kube";
import type { Backing } from "./backing.ts";
import { type DatabaseAccess, databaseAccess } from "./database-access.ts";
import { annotations, childNames } from "./labels.ts";
import { type MigrationState, migrationState } from "./migration.ts";
import type { PodInputs } from "./objects/pod-template.ts";
import { secretText } from "./objects/secrets.ts";
import { childOf, type Observed } from "./observed.ts";
import type { ServiceObject } from "./resources.ts";
import type { PlatformSettings } from "./settings.ts";

/** What checks and plan are decided from: the spec, what was read, and what follows from both. */
export interface Facts {
  service: ServiceObject;
  settings: PlatformSettings;
  observed: Observed;
  /** Undefined without a database in the spec, or without a server. */
  access: DatabaseAccess | undefined;
  /** Whether both Secrets hold the passwords of `access`; they come before anything in the database. */
  hasCredentials: boolean;
  prepared: boolean;
  migration: MigrationState;
  /** Of the bus in PostgreSQL; undefined without events in the spec, with Kafka, and while it cannot be prepared. */
  busUrl: string | undefined;
  /** What of Kafka and Redis the service uses; undefined while their Secrets are not right. */
  backing: Backing | undefined;
  /** Undefined until the cluster's keys are known, and without `backing`. */
  podInputs: PodInputs | undefined;
}

export function deriveFacts(service: ServiceObject, settings: PlatformSettings, observed: Observed): Facts {
  const { access, hasCredentials } = deriveAccess(service, observed);
  const attempt = observed.databaseAttempt;
  const ddl = childOf(observed, resources.secrets, childNames.ddlSecret(service.metadata.name));
  const remembered = access !== undefined && ddl?.metadata.annotations?.[annotations.prepared] === access.hash;
  const prepared = hasCredentials && (attempt ? "done" in attempt : remembered);
  const issuer = observed.workloadKeys?.issuer;
  const backing = backingOf(service, observed);
  const busUrl =
    service.spec.events && backing && !backing.kafka && observed.bus && "url" in observed.bus
      ? observed.bus.url
      : undefined;
  const credentials = credentialsHash(access, busUrl, backing);
  return {
    service,
    settings,
    observed,
    access,
    hasCredentials,
    prepared,
    migration: migrationState(service, observed, access, prepared),
    busUrl,
    backing,
    podInputs:
      issuer === undefined || backing === undefined
        ? undefined
        : { service, settings, workloadIssuer: issuer, credentials, backing },
  };
}

/** Whether schema and roles have to be made or repaired before the plan can go on. */
export const needsDatabaseWork = (facts: Facts): boolean =>
  facts.access !== undefined && facts.hasCredentials && !facts.prepared && !facts.observed.databaseAttempt;

function deriveAccess(
  service: ServiceObject,
  observed: Observed,
): { access: DatabaseAccess | undefined; hasCredentials: boolean } {
  const { database } = service.spec;
  const server = observed.databaseServer;
  if (!database || !server) return { access: undefined, hasCredentials: false };
  const { name } = service.metadata;
  const password = (secret: string): string | undefined =>
    secretText(childOf(observed, resources.secrets, secret)?.data, "password");
  const ddl = password(childNames.ddlSecret(name));
  const runtime = password(childNames.databaseSecret(name));
  const fresh = observed.freshPasswords;
  if (!fresh && (ddl === undefined || runtime === undefined)) return { access: undefined, hasCredentials: false };
  const passwords = { ddl: ddl ?? fresh?.ddl ?? "", runtime: runtime ?? fresh?.runtime ?? "" };
  const access = databaseAccess(service, database.schema, server.url, passwords);
  return { access, hasCredentials: ddl !== undefined && runtime !== undefined };
}

/** Events are what Kafka is for; caches may be anybody's. */
function backingOf(service: ServiceObject, { backing }: Observed): Backing | undefined {
  if (backing === undefined) return { kafka: undefined, redis: undefined };
  if ("trouble" in backing) return undefined;
  return { kafka: service.spec.events ? backing.kafka : undefined, redis: backing.redis };
}

/** As it was before there was Kafka or Redis where there is neither: their coming restarts nobody who does not use them. */
function credentialsHash(
  access: DatabaseAccess | undefined,
  busUrl: string | undefined,
  backing: Backing | undefined,
): string | undefined {
  const used = backing?.kafka || backing?.redis ? [backing] : [];
  return access || busUrl || used.length > 0 ? contentHash([access?.runtime.url, busUrl, ...used]) : undefined;
}
