import type { Clock, Logger, Random } from "@plinth/kernel";
import { type Controller, createController, isTrue, objectKey, specChanged, watchSource } from "@plinth/kube";
import { type Caches, serviceKeys } from "./caches.ts";
import { podNotes } from "./pod-notes.ts";
import { createReconcile, type ReconcileOptions } from "./reconcile.ts";
import type { ServiceObject } from "./resources.ts";

export interface ServiceControllerOptions extends ReconcileOptions {
  clock: Clock;
  random: Random;
  logger: Logger;
  workersMax?: number;
  /** Default: see createController. */
  resyncMs?: number;
}

/** What wakes the reconcile of a service, and nothing else. */
export function createServiceController(options: ServiceControllerOptions): Controller {
  const { caches, settings } = options;
  const allKeys = (): string[] => [...caches.services.cache.keys()];
  return createController({
    ...options,
    name: "platformservice",
    reconcile: createReconcile(options),
    sources: [
      // Its own spec, not the status that the operator writes.
      watchSource(caches.services, { updated: specChanged }),
      // Services that wait for it, when it starts or ceases to serve.
      watchSource(caches.services, {
        keys: (service) => dependents(service, caches),
        updated: (service, previous) => serves(service) !== serves(previous),
      }),
      // Children, by the label that also finds those that lost their owner. Kinds of the Gateway API may come later, but
      // nobody decides before it is known whether they are there: a route that is not seen yet would look unwanted.
      ...caches.children.map((informer) => ({
        ...watchSource(informer, { keys: serviceKeys }),
        ...(informer.resource.apiVersion.startsWith("gateway.") ? { synced: caches.gatewayApiKnown } : {}),
      })),
      // Why something does not start.
      watchSource(caches.pods, {
        keys: serviceKeys,
        updated: (pod, previous) => JSON.stringify(podNotes([pod])) !== JSON.stringify(podNotes([previous])),
      }),
      {
        ...watchSource(caches.gateways, {
          keys: ({ metadata }) => (objectKey(metadata) === objectKey(settings.gateway) ? allKeys() : []),
        }),
        synced: caches.gatewayApiKnown,
      },
    ],
  });
}

const serves = ({ status }: ServiceObject): boolean => isTrue(status?.conditions, "Available");

function dependents({ metadata }: ServiceObject, caches: Caches): string[] {
  return [...caches.services.cache.values()]
    .filter(({ spec }) => spec.dependsOn?.includes(metadata.name))
    .map((service) => objectKey(service.metadata));
}
