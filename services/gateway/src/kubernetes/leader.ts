import type { Clock, Component, Logger, Random } from "@plinth/kernel";
import { isFault } from "@plinth/kernel";
import {
  type ApiClient,
  createController,
  type KubeObject,
  objectKey,
  parseObjectKey,
  type Resource,
  type Result,
  resources,
} from "@plinth/kube";
import { type Caches, statusKeyOf } from "./caches.ts";
import type { CompiledCluster } from "./compile/compiled-cluster.ts";
import { gatewayClasses, gateways, grpcRoutes, httpRoutes } from "./gateway-api.ts";
import type { ServiceType } from "./gateway-service.ts";
import { routePolicies } from "./route-policies.ts";
import { ServicePlans } from "./service-plans.ts";
import { statusPatch } from "./status-patch.ts";

export interface LeaderOptions {
  /** Writes only as long as this process leads. */
  client: ApiClient;
  caches: Caches;
  compiled: () => CompiledCluster | undefined;
  platformNamespace: string;
  serviceType: ServiceType;
  clock: Clock;
  random: Random;
  logger: Logger;
}

export interface Leader extends Component {
  /** Writes what differs from what was compiled: of this object, or of all. */
  look(object?: KubeObject): void;
  start(): Promise<void>;
  stop(signal: AbortSignal): Promise<void>;
}

const fieldManager = "plinth-gateway";
const statusResources = new Map<string, Resource>(
  [gatewayClasses, gateways, httpRoutes, grpcRoutes, routePolicies].map((resource) => [resource.kind, resource]),
);
/** Somebody else changed the object since it was read: the cache hears of that within moments. */
const conflictRetryMs = 100;

/** The only writer: statuses, and the Services through which Gateways are reached. Nothing to do means no write. */
export function createLeader(options: LeaderOptions): Leader {
  const { client, caches, compiled, platformNamespace, clock } = options;
  const plans = new ServicePlans({ platformNamespace, type: options.serviceType });
  let offer: (key: string) => void = () => {};

  const servicePlans = () => plans.plan(compiled()?.services ?? [], caches.snapshot().services);

  function* staleKeys(): Generator<string> {
    const statuses = compiled()?.statuses;
    if (statuses === undefined) return;
    for (const [kind, keys] of [
      ["GatewayClass", statuses.gatewayClasses],
      ["Gateway", statuses.gateways],
      ["HTTPRoute", statuses.httpRoutes],
      ["GRPCRoute", statuses.grpcRoutes],
      ["RoutePolicy", statuses.routePolicies],
    ] as const)
      for (const key of keys.keys()) if (patchOf(kind, key) !== undefined) yield `${kind} ${key}`;
    for (const key of servicePlans().keys()) yield `Service ${key}`;
  }

  function patchOf(kind: string, key: string): { object: KubeObject; status: object } | undefined {
    const object = caches.find(kind, key);
    const statuses = compiled()?.statuses;
    const status = object && statuses && statusPatch(kind, key, object, statuses, clock.now());
    return object && status ? { object, status } : undefined;
  }

  async function writeStatus(kind: string, key: string, signal: AbortSignal): Promise<void> {
    const stale = patchOf(kind, key);
    const resource = statusResources.get(kind);
    if (stale === undefined || resource === undefined) return;
    const { resourceVersion, uid } = stale.object.metadata;
    // The version makes it a read-modify-write: what somebody else writes at the same time is not lost.
    const patch = { metadata: { resourceVersion, uid }, status: stale.status };
    const how = { type: "merge", subresource: "status", fieldManager, signal } as const;
    await client.patch(resource, parseObjectKey(key), patch, how);
  }

  async function writeService(key: string, signal: AbortSignal): Promise<void> {
    const plan = servicePlans().get(key);
    if (plan === undefined) return;
    if ("apply" in plan) {
      await client.apply(resources.services, plan.apply, { fieldManager, force: true, signal });
      return;
    }
    const { uid, name, namespace } = plan.remove.metadata;
    await client.delete(resources.services, { namespace, name }, { uid, signal });
  }

  async function reconcile(item: string, signal: AbortSignal): Promise<Result> {
    const [kind = "", key = ""] = item.split(" ");
    try {
      await (kind === "Service" ? writeService(key, signal) : writeStatus(kind, key, signal));
    } catch (err) {
      if (!isFault(err)) throw err;
      if (err.reason === "CONFLICT") return { requeueAfterMs: conflictRetryMs, why: "it was changed meanwhile" };
      if (err.code !== "not_found") throw err;
    }
    return { done: true };
  }

  const controller = createController({
    ...options,
    name: "gateway",
    sources: [
      {
        synced: caches.synced,
        open(offered) {
          offer = (key) => offered(key, "normal");
          look();
          return {
            close() {
              offer = () => {};
            },
          };
        },
        keys: staleKeys,
      },
    ],
    reconcile,
  });

  function look(object?: KubeObject): void {
    if (object === undefined) for (const key of staleKeys()) offer(key);
    else if (patchOf(object.kind ?? "", objectKey(object.metadata)) !== undefined) offer(statusKeyOf(object));
  }

  return {
    name: "leader",
    look,
    start: async () => void (await controller.start?.()),
    stop: async (signal) => void (await controller.stop?.(signal)),
  };
}
