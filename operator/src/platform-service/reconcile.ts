import { type ApiClient, type EventRecorder, isOwnedBy, type Reconcile, type Result } from "@plinth/kube";
import { applyDefaults } from "@plinth/platform";
import { applyChildren, pruneChildren } from "./apply.ts";
import type { DatabaseServer } from "./database.ts";
import { deriveFacts, needsDatabaseWork } from "./facts.ts";
import { type FinalizeOptions, finalize, keepFinalizer } from "./finalize.ts";
import { gather, type Sources } from "./gather.ts";
import type { Observed } from "./observed.ts";
import { plan } from "./plan.ts";
import type { ServiceObject } from "./resources.ts";
import { writeStatus } from "./write-status.ts";

export interface ReconcileOptions extends Sources, FinalizeOptions {
  /** Writes only while this process leads. */
  client: ApiClient;
  events: EventRecorder;
  database: DatabaseServer;
}

/** Caches follow within milliseconds. */
const behindMs = 250;

/** Makes the cluster match one PlatformService: read, decide, write, report. */
export function createReconcile(options: ReconcileOptions): Reconcile {
  const { client, caches, settings, clock } = options;
  return async (key, signal): Promise<Result> => {
    const found = caches.services.cache.get(key);
    if (!found) return { done: true };
    const service = { ...applyDefaults(found), metadata: found.metadata } as ServiceObject;
    if (service.metadata.deletionTimestamp) {
      const children = caches.childrenOf(key).filter((object) => isOwnedBy(object, service));
      return finalize(service, children, options, signal);
    }
    if (!service.spec.paused) await keepFinalizer(client, service, signal);
    const observed = await prepareDatabase(service, await gather(service, options, signal), options);
    const first = plan(service, settings, observed, clock.now());
    const applied = await applyChildren(client, service, first.apply, observed.children, signal);
    if ("done" in applied) await pruneChildren(client, first.prune, signal);
    const last = "refused" in applied ? plan(service, settings, { ...observed, ...applied }, clock.now()) : first;
    await writeStatus(client, options.events, service, last.status, signal);
    if ("err" in applied && applied.err) throw applied.err;
    if ("behind" in applied) return { requeueAfterMs: behindMs, why: `the cache is behind at ${applied.behind}` };
    return last.againAfterMs === undefined
      ? { done: true }
      : { requeueAfterMs: last.againAfterMs, why: last.finding?.reason ?? "" };
  };
}

/** Schema and roles, when something about them is new; otherwise the database is not asked. */
async function prepareDatabase(
  service: ServiceObject,
  observed: Observed,
  { database, settings }: ReconcileOptions,
): Promise<Observed> {
  const facts = deriveFacts(service, settings, observed);
  const { access } = facts;
  const server = observed.databaseServer;
  if (service.spec.paused || !access || !server || !needsDatabaseWork(facts)) return observed;
  return { ...observed, databaseAttempt: await database.ensure(server.url, access) };
}
