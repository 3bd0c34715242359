import type { KubeObject } from "@plinth/kube";
import { deriveFacts, needsDatabaseWork } from "../src/platform-service/facts.ts";
import type { Observed } from "../src/platform-service/observed.ts";
import { type Plan, plan } from "../src/platform-service/plan.ts";
import type { ServiceObject } from "../src/platform-service/resources.ts";
import { testObserved, testSettings } from "./test-observed.ts";

type Fields = Record<string, unknown>;

/** A cluster in memory in which everything that is asked for works: plans are carried out, Jobs end well, instances start. */
export class SimulatedCluster {
  service: ServiceObject;
  children: KubeObject[] = [];
  /** How often each object was written. */
  writes: string[] = [];
  settings = testSettings;
  gatewayApi = testObserved.gatewayApi;
  backing: Observed["backing"];
  databaseWork = 0;
  #version = 1;

  constructor(service: ServiceObject) {
    this.service = service;
  }

  /** One reconcile: what it decided, after it was carried out. */
  reconcile(nowMs: number): Plan {
    let observed: Observed = {
      ...testObserved,
      ...{ gatewayApi: this.gatewayApi, backing: this.backing, children: this.children },
    };
    const facts = deriveFacts(this.service, this.settings, observed);
    if (needsDatabaseWork(facts) && !this.service.spec.paused) {
      this.databaseWork++;
      observed = { ...observed, databaseAttempt: { done: true } };
    }
    const decided = plan(this.service, this.settings, observed, nowMs);
    for (const { resource, object } of decided.apply) this.#write(resource.kind, object as KubeObject);
    const pruned = new Set(decided.prune.map(({ uid }) => uid));
    this.children = this.children.filter(({ metadata }) => !pruned.has(metadata.uid));
    this.service = { ...this.service, status: decided.status };
    return decided;
  }

  #write(kind: string, draft: KubeObject): void {
    this.writes.push(`${kind}/${draft.metadata.name}`);
    const before = this.children.find((child) => child.kind === kind && child.metadata.name === draft.metadata.name);
    const { status } = (before ?? {}) as Fields;
    const metadata = {
      ...draft.metadata,
      uid: before?.metadata.uid ?? `uid-${this.#version}`,
      resourceVersion: String(this.#version++),
      generation: (before?.metadata.generation ?? 0) + 1,
    };
    const written = { ...structuredClone(draft), kind, metadata, ...(status ? { status } : {}) } as KubeObject;
    this.children = [...this.children.filter((child) => child !== before), written];
  }

  /** What controllers, kubelets and the gateway would report. */
  play(outcome: { job?: "Complete" | "Failed" } = {}): void {
    this.children = this.children.map((child) => {
      const status = this.#statusOf(child, outcome.job ?? "Complete");
      return status ? ({ ...child, status } as KubeObject) : child;
    });
  }

  #statusOf({ kind, metadata, ...rest }: KubeObject, job: "Complete" | "Failed"): Fields | undefined {
    const { spec, status } = rest as Fields & { spec?: Fields; status?: Fields };
    const { generation } = metadata;
    if (kind === "Job") return status ?? { conditions: [{ type: job, status: "True", message: "because" }] };
    if (kind === "Deployment") {
      const count = spec?.["replicas"] ?? 1;
      return {
        observedGeneration: generation,
        ...{ replicas: count, updatedReplicas: count, readyReplicas: count, availableReplicas: count },
        conditions: [{ type: "Available", status: "True" }],
      };
    }
    if (kind !== "HTTPRoute") return undefined;
    const conditions = ["Accepted", "ResolvedRefs"].map((type) => ({
      type,
      status: "True",
      observedGeneration: generation,
    }));
    return { parents: [{ parentRef: testSettings.gateway, controllerName: "plinth.dev/gateway", conditions }] };
  }

  child(kind: string): KubeObject | undefined {
    return this.children.find((object) => object.kind === kind);
  }

  /** A new spec, as the API server takes it. */
  change(spec: Partial<ServiceObject["spec"]>, annotations?: Record<string, string>): void {
    const { metadata } = this.service;
    this.service = {
      ...this.service,
      metadata: { ...metadata, generation: metadata.generation + 1, ...(annotations ? { annotations } : {}) },
      spec: { ...this.service.spec, ...spec },
    };
  }

  /** Reconciles and plays until a reconcile writes nothing. Throws when it does not come to rest. */
  settle(nowMs = 0, outcome: { job?: "Complete" | "Failed" } = {}): Plan {
    for (let round = 0; round < 12; round++) {
      this.play(outcome);
      const before = JSON.stringify(this.service.status);
      const decided = this.reconcile(nowMs);
      const quiet = decided.apply.length === 0 && decided.prune.length === 0;
      if (quiet && JSON.stringify(this.service.status) === before) return decided;
    }
    throw new Error(`does not come to rest: ${JSON.stringify(this.service.status?.conditions)}`);
  }
}
