import { contentHash, type Draft, objectKey } from "@plinth/kube";
import type { WantedService } from "./compile/compiled-cluster.ts";
import { gatewayKeyOf, gatewayService, type ServiceType, targetPortsOf } from "./gateway-service.ts";
import type { Service } from "./snapshot.ts";
import { allocateTargetPorts } from "./target-ports.ts";

export type ServicePlan = { remove: Service } | { apply: Draft<Service> };

export interface ServicePlansOptions {
  platformNamespace: string;
  type: ServiceType;
}

/** Hash of what was applied, so that a label which is not wanted any more is noticed. */
const appliedAnnotation = "plinth.dev/applied";

/** What is to be done about the Services through which Gateways are reached. Remembers what it gave until it sees it. */
export class ServicePlans {
  readonly #options: ServicePlansOptions;
  /** Ports of the pods, by Gateway. */
  readonly #given = new Map<string, ReadonlyMap<number, number>>();
  #last = 0;

  constructor(options: ServicePlansOptions) {
    this.#options = options;
  }

  /** By "namespace/name" of the Gateway; those without an entry are as they should be. */
  plan(wanted: readonly WantedService[], services: readonly Service[]): ReadonlyMap<string, ServicePlan> {
    const current = this.#own(services);
    const plans = new Map<string, ServicePlan>();
    const wantedKeys = new Set(wanted.map(({ gateway }) => objectKey(gateway.metadata)));
    for (const [key, service] of current) if (!wantedKeys.has(key)) plans.set(key, { remove: service });
    for (const key of [...this.#given.keys()]) if (!wantedKeys.has(key)) this.#given.delete(key);
    for (const [key, service] of current) if (!this.#given.has(key)) this.#given.set(key, targetPortsOf(service));
    for (const entry of wanted) {
      const key = objectKey(entry.gateway.metadata);
      const plan = this.#planOne(key, entry, current.get(key));
      if (plan) plans.set(key, plan);
    }
    return plans;
  }

  /** The first Service of each Gateway, of those that are ours. */
  #own(services: readonly Service[]): Map<string, Service> {
    const own = new Map<string, Service>();
    for (const service of services) {
      const key = service.metadata.namespace === this.#options.platformNamespace ? gatewayKeyOf(service) : undefined;
      if (key !== undefined) own.set(key, service);
    }
    return own;
  }

  #planOne(key: string, wanted: WantedService, current: Service | undefined): ServicePlan | undefined {
    const { platformNamespace, type } = this.#options;
    const { gateway, address } = wanted;
    const ports = this.#allocate(key, wanted);
    const draft = gatewayService({ gateway, platformNamespace, type, ports, address });
    const applied = contentHash(draft);
    if (current?.metadata.annotations?.[appliedAnnotation] === applied && isSame(targetPortsOf(current), ports))
      return undefined;
    // The cluster address of a Service is for good.
    const moves = address !== undefined && type !== "LoadBalancer" && current?.spec?.clusterIP !== address;
    if (current && moves) return { remove: current };
    const annotations = { ...draft.metadata.annotations, [appliedAnnotation]: applied };
    return { apply: { ...draft, metadata: { ...draft.metadata, annotations } } };
  }

  #allocate(key: string, { ports: wanted }: WantedService): ReadonlyMap<number, number> {
    const others = [...this.#given].filter(([other]) => other !== key).flatMap(([, ports]) => [...ports.values()]);
    const current = this.#given.get(key) ?? new Map();
    const last = Math.max(this.#last, ...others, ...current.values());
    const ports = allocateTargetPorts({ wanted, current, taken: new Set(others), last });
    this.#given.set(key, ports);
    this.#last = Math.max(this.#last, ...ports.values());
    return ports;
  }
}

const isSame = (a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): boolean =>
  a.size === b.size && [...a].every(([port, target]) => b.get(port) === target);
