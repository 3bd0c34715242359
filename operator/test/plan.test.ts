import { contentHash } from "@plinth/kube";
import { applyDefaults, type PlatformService } from "@plinth/platform";
import { describe, expect, test } from "vitest";
import { annotations } from "../src/platform-service/labels.ts";
import type { ServiceObject } from "../src/platform-service/resources.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

function serviceOf(spec: Partial<PlatformService["spec"]> = {}): ServiceObject {
  const manifest = applyDefaults({
    apiVersion: "plinth.dev/v1alpha1",
    kind: "PlatformService",
    metadata: { name: "notes" },
    spec: { image: "example/notes:1", replicas: 2, database: { schema: "notes" }, ...spec },
  });
  return {
    ...manifest,
    metadata: { name: "notes", namespace: "default", uid: "uid-notes", generation: 1 },
  } as ServiceObject;
}

interface Deployed {
  metadata: { annotations?: Record<string, string> };
  spec: { replicas?: number; template: { spec: { containers: { image: string; env: { name: string }[] }[] } } };
}

const deployed = (cluster: SimulatedCluster): Deployed => cluster.child("Deployment") as unknown as Deployed;
const imageOf = (cluster: SimulatedCluster): string | undefined =>
  deployed(cluster).spec.template.spec.containers[0]?.image;
const jobs = (cluster: SimulatedCluster): string[] =>
  cluster.children.filter(({ kind }) => kind === "Job").map(({ metadata }) => metadata.name);
const condition = (cluster: SimulatedCluster, type: string) =>
  cluster.service.status?.conditions?.find((each) => each.type === type);

function running(spec: Partial<PlatformService["spec"]> = {}): SimulatedCluster {
  const cluster = new SimulatedCluster(serviceOf(spec));
  cluster.settle();
  return cluster;
}

const kafka = {
  brokers: "kafka:9092",
  tls: false,
  ca: undefined,
  mechanism: "none",
  credentials: undefined,
  partitions: undefined,
  replication: undefined,
} as const;

describe("instances", () => {
  test("keep their pods while the migration of a new image runs, and follow a new number of replicas", () => {
    const cluster = running();
    cluster.change({ image: "example/notes:2", replicas: 5 });
    cluster.reconcile(0);
    cluster.reconcile(0);
    expect(imageOf(cluster)).toBe("example/notes:1");
    expect(deployed(cluster).spec.replicas).toBe(5);
    cluster.settle();
    expect(imageOf(cluster)).toBe("example/notes:2");
  });

  test("keep their pods when a new version of the operator makes others from the same spec", () => {
    const cluster = running();
    const template = deployed(cluster).spec.template as unknown as Record<string, unknown>;
    const old = { ...template, madeBy: "an older version" };
    // As if the older version had made it, marks included.
    const other = new SimulatedCluster(cluster.service);
    other.children = cluster.children;
    const pinned = pin(other, old);
    expect(deployed(pinned).spec.template).toHaveProperty("madeBy");
    const { apply } = pinned.reconcile(0);
    expect(apply.filter(({ resource }) => resource.kind === "Deployment")).toEqual([]);
    pinned.change({ image: "example/notes:2" });
    pinned.settle();
    expect(deployed(pinned).spec.template).not.toHaveProperty("madeBy");
  });

  test("are restarted by other credentials, not by a new setting that is not used", () => {
    const cluster = running();
    const before = deployed(cluster).spec.template;
    cluster.settings = { ...cluster.settings, migratorImage: "plinth/migrator:9", metricsNamespaces: [] };
    cluster.settle();
    expect(deployed(cluster).spec.template).toEqual(before);
    const secret = cluster.children.find(({ metadata }) => metadata.name === "notes-database");
    (secret as unknown as { data: Record<string, string> }).data["password"] = Buffer.from("new").toString("base64");
    cluster.settle();
    expect(deployed(cluster).spec.template).not.toEqual(before);
    expect(cluster.databaseWork, "and the database learns the password").toBe(2);
  });

  test("call Services by their names when the platform is in a mesh, unless a service says otherwise", () => {
    const cluster = running();
    const mode = () =>
      (
        deployed(cluster).spec.template as { spec: { containers: { env: { name: string; value?: string }[] }[] } }
      ).spec.containers[0]?.env
        .filter(({ name }) => name === "PLINTH_DISCOVERY_MODE")
        .map(({ value }) => value);
    expect(mode()).toEqual([]);
    cluster.settings = { ...cluster.settings, discoveryMode: "service" };
    cluster.settle();
    expect(mode()).toEqual(["service"]);
    cluster.change({ env: [{ name: "PLINTH_DISCOVERY_MODE", value: "endpoints" }] });
    cluster.settle();
    expect(mode()).toEqual(["endpoints"]);
  });

  test("are left alone when the platform gets a Kafka or a Redis that they do not use", () => {
    const cluster = running();
    const before = deployed(cluster);
    cluster.backing = { kafka, redis: undefined };
    cluster.settle();
    expect(deployed(cluster)).toEqual(before);
    expect(cluster.children.map(({ metadata }) => metadata.name)).not.toContain("notes-kafka");
  });

  test("move to Kafka and to Redis with their Secrets, and follow what is in those", () => {
    const cluster = running({ events: {} });
    cluster.backing = { kafka, redis: { url: "redis://redis:6379", ca: undefined } };
    const environment = () => {
      const env = deployed(cluster).spec.template.spec.containers[0]?.env as { name: string; value?: string }[];
      return Object.fromEntries(env.map(({ name, value }) => [name, value]));
    };
    cluster.settle();
    expect(environment()).toMatchObject({ PLINTH_BUS_DRIVER: "kafka", PLINTH_CACHE_DRIVER: "redis" });
    expect(environment()).not.toHaveProperty("PLINTH_BUS_URL");
    const names = cluster.children.map(({ metadata }) => metadata.name);
    expect(names).toEqual(expect.arrayContaining(["notes-kafka", "notes-redis"]));
    expect(names).not.toContain("notes-bus");

    const before = deployed(cluster).spec.template;
    cluster.backing = {
      kafka: { ...kafka, brokers: "kafka-2:9092" },
      redis: { url: "redis://redis:6379", ca: undefined },
    };
    cluster.settle();
    expect(deployed(cluster).spec.template).not.toEqual(before);

    cluster.backing = { kafka: undefined, redis: undefined };
    cluster.settle();
    expect(environment()).toMatchObject({ PLINTH_BUS_DRIVER: "postgres" });
    expect(cluster.children.map(({ metadata }) => metadata.name)).not.toContain("notes-redis");
  });

  test("stay as they are while the Secret of Kafka is wrong: events must not go to another bus meanwhile", () => {
    const cluster = running({ events: {} });
    cluster.backing = { kafka, redis: undefined };
    cluster.settle();
    const before = [...cluster.children];
    cluster.backing = { trouble: "kafka.existingSecret is empty" };
    cluster.settle();
    expect(cluster.children).toEqual(before);
    expect(condition(cluster, "Stalled")).toMatchObject({ status: "True", reason: "SecretIncomplete" });
    expect(condition(cluster, "Ready")).toMatchObject({ status: "True", reason: "PreviousVersionServing" });
  });

  test("cannot be given another identity by the manifest", () => {
    const cluster = running({ env: [{ name: "PLINTH_WORKLOAD_ISSUER", value: "me" }] });
    const names = deployed(cluster).spec.template.spec.containers[0]?.env.map(({ name }) => name) ?? [];
    expect(names.filter((name) => name === "PLINTH_WORKLOAD_ISSUER")).toHaveLength(1);
  });
});

describe("a migration", () => {
  test("that failed is not tried again by itself", () => {
    const cluster = running();
    cluster.change({ image: "example/notes:2" });
    cluster.settle(0, { job: "Failed" });
    const before = jobs(cluster);
    cluster.settle();
    expect(jobs(cluster)).toEqual(before);
    expect(condition(cluster, "Stalled")).toMatchObject({ status: "True", reason: "MigrationFailed" });
    expect(condition(cluster, "Ready")).toMatchObject({ status: "True", reason: "PreviousVersionServing" });
  });

  test.each([
    ["a change of the spec", (cluster: SimulatedCluster) => cluster.change({ replicas: 3 })],
    ["the retry annotation", (cluster: SimulatedCluster) => cluster.change({}, { [annotations.retry]: "1" })],
    [
      "deleting its Job",
      (cluster: SimulatedCluster) => {
        cluster.children = cluster.children.filter(({ kind }) => kind !== "Job");
      },
    ],
  ])("that failed is tried again after %s", (_, act) => {
    const cluster = running();
    cluster.change({ image: "example/notes:2" });
    cluster.settle(0, { job: "Failed" });
    act(cluster);
    cluster.settle();
    expect(condition(cluster, "Ready")).toMatchObject({ reason: "Ready" });
    expect(imageOf(cluster)).toBe("example/notes:2");
  });

  test("of an earlier image is left to finish", () => {
    const cluster = running();
    cluster.change({ image: "example/notes:2" });
    cluster.reconcile(0);
    cluster.change({ image: "example/notes:3" });
    cluster.reconcile(0);
    cluster.reconcile(0);
    // The first one ended well; the one of image 2 is not shown as ended.
    expect(cluster.children.filter((child) => child.kind === "Job" && !("status" in child))).toHaveLength(1);
    expect(condition(cluster, "Migrated")?.reason).toBe("WaitingForOtherMigration");
    cluster.settle();
    expect(imageOf(cluster)).toBe("example/notes:3");
  });

  test("needs no Job for an image that the instances run already", () => {
    const cluster = running();
    cluster.change({ image: "example/notes:2" });
    cluster.settle(0, { job: "Failed" });
    cluster.children = cluster.children.filter(({ kind }) => kind !== "Job");
    cluster.change({ image: "example/notes:1" });
    cluster.settle();
    expect(jobs(cluster)).toEqual([]);
    expect(condition(cluster, "Ready")?.reason).toBe("Ready");
  });

  test("runs again when the data lies on another server", () => {
    const cluster = running();
    const before = jobs(cluster);
    const deployment = deployed(cluster);
    expect(deployment.metadata.annotations?.[annotations.migration]).toBeDefined();
    cluster.children = cluster.children.map((child) =>
      child.metadata.name === "notes-database-ddl"
        ? { ...child, metadata: { ...child.metadata, annotations: {} } }
        : child,
    );
    cluster.settle();
    expect(jobs(cluster), "preparing the same database again changes nothing").toEqual(before);
  });
});

describe("a route", () => {
  const rules = [{ path: "/a", authentication: "Required" as const }, { path: "/b" }];
  const kinds = (list: readonly { resource: { kind: string } }[]): string[] =>
    list.map(({ resource }) => resource.kind);

  test("goes before its policy, and comes after it", () => {
    const cluster = running({ route: { rules } });
    cluster.change({ route: undefined as never });
    expect(kinds(cluster.reconcile(0).prune)).toEqual(["HTTPRoute", "RoutePolicy"]);
    cluster.change(serviceOf({ route: { rules } }).spec);
    expect(kinds(cluster.reconcile(0).apply).slice(-2)).toEqual(["RoutePolicy", "HTTPRoute"]);
  });

  test("and its policy stay when the Gateway API cannot be seen", () => {
    const cluster = running({ route: { rules } });
    cluster.gatewayApi = { served: false };
    const decided = cluster.reconcile(0);
    expect([decided.apply, decided.prune]).toEqual([[], []]);
  });

  test("with a new first rule never gives a path the policy of its neighbour, whichever object is written first", () => {
    const cluster = running({ route: { rules } });
    const nameOf = (path: string) => {
      const route = cluster.child("HTTPRoute") as unknown as {
        spec: { rules: { name: string; matches: { path: { value: string } }[] }[] };
      };
      return route.spec.rules.find(({ matches }) => matches[0]?.path.value === path)?.name;
    };
    const before = nameOf("/a");
    cluster.change(serviceOf({ route: { rules: [{ path: "/open", authentication: "None" }, ...rules] } }).spec);
    cluster.settle();
    expect(nameOf("/a")).toBe(before);
    expect(nameOf("/open")).not.toBe(before);
  });
});

describe("a spec that asks for less", () => {
  test("takes away what it does not mention any more", () => {
    const cluster = running({ route: { rules: [{ path: "/v1" }] }, autoscaling: { max: 3 }, events: {} });
    cluster.change({ route: undefined, autoscaling: undefined, events: undefined, database: undefined } as never);
    cluster.settle();
    expect(cluster.children.map(({ kind }) => kind).toSorted()).toEqual([
      "ConfigMap",
      "Deployment",
      "Job",
      "NetworkPolicy",
      "PodDisruptionBudget",
      "Service",
      "ServiceAccount",
    ]);
  });

  test.each([
    ["one instance", { replicas: 1 }, undefined],
    ["two instances", { replicas: 2 }, { maxUnavailable: 1 }],
    ["an autoscaler that may start a second", { autoscaling: { max: 2 } }, { maxUnavailable: 1 }],
    ["one instance that no drain may take", { replicas: 1, disruption: { minAvailable: 1 } }, { minAvailable: 1 }],
  ] as const)("a disruption budget for %s", (_, spec, expected) => {
    const budget = running(spec as never).children.find(({ kind }) => kind === "PodDisruptionBudget");
    const { minAvailable, maxUnavailable } = (budget as { spec?: Record<string, unknown> } | undefined)?.spec ?? {};
    expect(budget && JSON.parse(JSON.stringify({ minAvailable, maxUnavailable }))).toEqual(expected);
  });

  test("keeps credentials until no pod uses them", () => {
    const cluster = running({ events: {} });
    cluster.change({ events: undefined } as never);
    cluster.reconcile(0);
    expect(cluster.children.some(({ metadata }) => metadata.name === "notes-bus")).toBe(true);
    cluster.settle();
    expect(cluster.children.some(({ metadata }) => metadata.name === "notes-bus")).toBe(false);
  });
});

/** Marks this template as the one that the operator made. */
function pin(cluster: SimulatedCluster, template: Record<string, unknown>): SimulatedCluster {
  const real = cluster.child("Deployment") as unknown as Deployed;
  const inputs = real.metadata.annotations?.[annotations.podRevision]?.split(".")[0];
  const text = JSON.stringify(template);
  cluster.children = cluster.children.map((child) =>
    child.kind === "Deployment"
      ? ({
          ...child,
          metadata: {
            ...child.metadata,
            annotations: {
              ...child.metadata.annotations,
              [annotations.podTemplate]: text,
              [annotations.podRevision]: `${inputs}.${contentHash(template)}`,
            },
          },
          spec: { ...(child as unknown as Deployed).spec, template },
        } as never)
      : child,
  );
  cluster.settle();
  return cluster;
}
