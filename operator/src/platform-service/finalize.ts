import { type Clock, isFault } from "@plinth/kernel";
import {
  type ApiClient,
  type EventRecorder,
  type KubeObject,
  type Resource,
  type Result,
  resources,
} from "@plinth/kube";
import type { DatabaseServer } from "./database.ts";
import { databaseFinalizer } from "./labels.ts";
import { platformServices, type ServiceObject } from "./resources.ts";

export interface FinalizeOptions {
  client: ApiClient;
  events: Pick<EventRecorder, "record">;
  database: DatabaseServer;
  databaseUrl: () => Promise<string | undefined>;
  clock: Clock;
  /** After this time since the deletion a database that cannot be reached is left as it is. */
  giveUpMs: number;
}

const againMs = 2_000;

/** Only data that is to be dropped needs a finalizer; everything else goes with its owner. */
const needsFinalizer = ({ spec }: ServiceObject): boolean => spec.database?.deletionPolicy === "Delete";

const hasFinalizer = ({ metadata }: ServiceObject): boolean =>
  metadata.finalizers?.includes(databaseFinalizer) === true;

/** Adds or takes away the finalizer as the policy says; the service is not being deleted. */
export async function keepFinalizer(client: ApiClient, service: ServiceObject, signal: AbortSignal): Promise<void> {
  if (needsFinalizer(service) !== hasFinalizer(service))
    await setFinalizer(client, service, !hasFinalizer(service), signal);
}

/** The service is being deleted: drops its data when the policy says so, then lets go. Bounded, whatever the database does. */
export async function finalize(
  service: ServiceObject,
  children: readonly KubeObject[],
  options: FinalizeOptions,
  signal: AbortSignal,
): Promise<Result> {
  const { client, events, clock } = options;
  if (!hasFinalizer(service)) return { done: true };
  if (needsFinalizer(service)) {
    // A cache that lags may show a service that is long gone, while another of its name has data of its own by now.
    if (!(await isStillThere(client, service, signal))) return { done: true };
    await stopUsers(client, children, signal);
    const problem = await dropData(service, options);
    const ageMs = clock.now() - Date.parse(service.metadata.deletionTimestamp ?? "");
    if (problem !== undefined && ageMs < options.giveUpMs) return { requeueAfterMs: againMs, why: problem };
    const schema = service.spec.database?.schema;
    events.record(
      service,
      problem === undefined
        ? {
            type: "Normal",
            reason: "DataDropped",
            action: "Delete",
            note: `schema "${schema}" and its roles are dropped`,
          }
        : {
            type: "Warning",
            reason: "DataKept",
            action: "Delete",
            note: `schema "${schema}" and its roles are still there, drop them by hand: ${problem}`,
          },
    );
  }
  await setFinalizer(client, service, false, signal).catch((err: unknown) => {
    // Gone already; the cache does not show it yet.
    if (!isFault(err) || err.code !== "not_found") throw err;
  });
  return { done: true };
}

async function isStillThere(client: ApiClient, { metadata }: ServiceObject, signal: AbortSignal): Promise<boolean> {
  const current = await client.find(platformServices, metadata, { signal });
  return current?.metadata.uid === metadata.uid;
}

/** Nothing may go on using or changing the data; the garbage collector would come only after the finalizer. */
async function stopUsers(client: ApiClient, children: readonly KubeObject[], signal: AbortSignal): Promise<void> {
  for (const resource of [resources.jobs, resources.deployments] as Resource[]) {
    for (const { kind, metadata } of children) {
      if (kind !== resource.kind || metadata.deletionTimestamp) continue;
      await client.delete(resource, metadata, { uid: metadata.uid, signal });
    }
  }
}

async function dropData(service: ServiceObject, options: FinalizeOptions): Promise<string | undefined> {
  const schema = service.spec.database?.schema;
  const serverUrl = await options.databaseUrl();
  if (schema === undefined) return undefined;
  if (serverUrl === undefined) return "the operator knows no PostgreSQL server";
  const owner = `${service.metadata.namespace}/${service.metadata.name}`;
  const result = await options.database.drop(serverUrl, { schema, roles: [schema, `${schema}_ddl`], owner });
  return "trouble" in result ? result.trouble.message : undefined;
}

/** Touches no finalizer but our own: refused when somebody changed the object meanwhile. */
async function setFinalizer(
  client: ApiClient,
  service: ServiceObject,
  present: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { finalizers = [], resourceVersion } = service.metadata;
  const others = finalizers.filter((name) => name !== databaseFinalizer);
  const metadata = { resourceVersion, finalizers: present ? [...others, databaseFinalizer] : others };
  await client.patch(platformServices, service.metadata, { metadata }, { type: "merge", signal });
}
