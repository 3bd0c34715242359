import { contentHash, resources } from "@plinth/kube";
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
  /** Undefined until the cluster's keys are known. */
  podInputs: PodInputs | undefined;
}

export function deriveFacts(service: ServiceObject, settings: PlatformSettings, observed: Observed): Facts {
  const { access, hasCredentials } = deriveAccess(service, observed);
  const attempt = observed.databaseAttempt;
  const ddl = childOf(observed, resources.secrets, childNames.ddlSecret(service.metadata.name));
  const remembered = access !== undefined && ddl?.metadata.annotations?.[annotations.prepared] === access.hash;
  const prepared = hasCredentials && (attempt ? "done" in attempt : remembered);
  const issuer = observed.workloadKeys?.issuer;
  const busUrl = service.spec.events && observed.bus && "url" in observed.bus ? observed.bus.url : undefined;
  const credentials = access || busUrl ? databaseHash(access, busUrl) : undefined;
  return {
    service,
    settings,
    observed,
    access,
    hasCredentials,
    prepared,
    migration: migrationState(service, observed, access, prepared),
    podInputs: issuer === undefined ? undefined : { service, settings, workloadIssuer: issuer, credentials },
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

const databaseHash = (access: DatabaseAccess | undefined, busUrl: string | undefined): string =>
  contentHash([access?.runtime.url, busUrl]);
