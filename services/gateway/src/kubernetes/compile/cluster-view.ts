import { type KubeObject, objectKey } from "@plinth/kube";
import { gatewayApiGroup, type LabelSelector } from "../gateway-api.ts";
import { gatewayKeyOf } from "../gateway-service.ts";
import type { Secret, Service, Snapshot } from "../snapshot.ts";

interface From {
  kind: "Gateway" | "HTTPRoute" | "GRPCRoute";
  namespace: string;
}

interface To {
  kind: "Service" | "Secret";
  namespace: string;
  name: string;
}

/** A snapshot with what the compiler asks of it. */
export class ClusterView {
  readonly snapshot: Snapshot;
  readonly #services: ReadonlyMap<string, Service>;
  readonly #secrets: ReadonlyMap<string, Secret>;
  readonly #labels: ReadonlyMap<string, Record<string, string>>;
  readonly #gatewayServices: ReadonlyMap<string, Service>;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
    this.#services = byKey(snapshot.services);
    this.#secrets = byKey(snapshot.secrets);
    this.#labels = new Map(snapshot.namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
    this.#gatewayServices = new Map(
      snapshot.services.flatMap((service) => {
        // Only our own: a Service of anybody else's says nothing about Gateways.
        if (service.metadata.namespace !== snapshot.platformNamespace) return [];
        const gateway = gatewayKeyOf(service);
        return gateway === undefined ? [] : [[gateway, service] as const];
      }),
    );
  }

  service(namespace: string, name: string): Service | undefined {
    return this.#services.get(objectKey({ namespace, name }));
  }

  secret(namespace: string, name: string): Secret | undefined {
    return this.#secrets.get(objectKey({ namespace, name }));
  }

  /** The Service through which a Gateway is reached. */
  gatewayService(gatewayKey: string): Service | undefined {
    return this.#gatewayServices.get(gatewayKey);
  }

  namespaceMatches(namespace: string, selector: LabelSelector | undefined): boolean {
    const labels = this.#labels.get(namespace);
    if (labels === undefined || selector === undefined) return false;
    const { matchLabels = {}, matchExpressions = [] } = selector;
    return (
      Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
      matchExpressions.every(({ key, operator, values = [] }) => {
        const value = labels[key];
        if (operator === "Exists") return value !== undefined;
        if (operator === "DoesNotExist") return value === undefined;
        const listed = value !== undefined && values.includes(value);
        return operator === "In" ? listed : !listed;
      })
    );
  }

  /** Whether an object may refer to one of another namespace: never without a ReferenceGrant there. */
  mayRefer(from: From, to: To): boolean {
    if (from.namespace === to.namespace) return true;
    return this.snapshot.referenceGrants.some(
      ({ metadata, spec }) =>
        metadata.namespace === to.namespace &&
        spec.from.some(
          ({ group, kind, namespace }) =>
            group === gatewayApiGroup && kind === from.kind && namespace === from.namespace,
        ) &&
        spec.to.some(
          ({ group, kind, name }) =>
            group === "" && kind === to.kind && (name === undefined || name === "" || name === to.name),
        ),
    );
  }
}

const byKey = <T extends KubeObject>(objects: readonly T[]): ReadonlyMap<string, T> =>
  new Map(objects.map((object) => [objectKey(object.metadata), object]));
