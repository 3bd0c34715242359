import { applyDefaults, type PlatformService, parseManifests } from "@plinth/platform";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { ServiceObject } from "../src/platform-service/resources.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

const duration = fc.constantFrom("500ms", "5s", "90s", "10m", "1h", "123456789ms");
const name = fc.stringMatching(/^[a-z][a-z0-9]{0,10}$/);
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

const rule = fc.record(
  {
    path: fc.stringMatching(/^\/[a-z0-9.]{1,12}$/).filter((path) => !/\/\.{1,2}$/.test(path)),
    pathType: fc.constantFrom("Prefix" as const, "Exact" as const),
    authentication: fc.constantFrom("None" as const, "Optional" as const, "Required" as const),
    rateLimit: fc.record({ requests: fc.integer({ min: 1, max: 1000 }), per: duration }),
    timeout: duration,
    idleTimeout: duration,
    maxBodyBytes: fc.integer({ min: 1, max: 1_000_000 }),
  },
  { requiredKeys: ["path"] },
);
const route = fc.record(
  {
    hostnames: fc.uniqueArray(
      name.map((host) => `${host}.example.com`),
      { maxLength: 3 },
    ),
    rules: fc.uniqueArray(rule, {
      minLength: 1,
      maxLength: 40,
      selector: (r) => `${r.path} ${r.pathType ?? "Prefix"}`,
    }),
    cors: fc.record(
      { allowOrigins: fc.constant(["https://a.example.com"]), maxAge: duration },
      { requiredKeys: ["allowOrigins"] },
    ),
  },
  { requiredKeys: ["rules"] },
);
const spec = fc
  .record({
    image: name.map((image) => `example/${image}:1`),
    scale: fc.oneof(
      fc.record({ replicas: optional(fc.integer({ min: 0, max: 5 })) }),
      fc.record({
        autoscaling: fc.record({ min: fc.integer({ min: 1, max: 3 }), max: fc.integer({ min: 3, max: 9 }) }),
      }),
    ),
    port: fc.integer({ min: 1024, max: 8999 }),
    env: fc.uniqueArray(fc.record({ name: fc.constantFrom("A", "B", "PLINTH_PORT"), value: fc.string() }), {
      selector: (entry) => entry.name,
    }),
    resources: optional(
      fc.constantFrom(
        { requests: { cpu: "0.5", memory: "1024Mi" } },
        { requests: { cpu: 1, memory: "1.5Gi" }, limits: { memory: "2Gi" } },
      ),
    ),
    database: optional(
      fc.record(
        {
          schema: name.map((schema) => `s_${schema}`),
          migrations: fc.oneof(
            fc.record({ path: fc.constant("/app/migrations"), timeout: duration }),
            fc.record({ command: fc.constant(["migrate", "up"]) }),
          ),
          deletionPolicy: fc.constantFrom("Retain" as const, "Delete" as const),
        },
        { requiredKeys: ["schema"] },
      ),
    ),
    events: optional(fc.constant({ publishes: ["notes.note.v1"] })),
    route: optional(route),
    networkPolicy: optional(fc.record({ mode: fc.constantFrom("Open" as const, "Restricted" as const) })),
    disruption: optional(fc.constantFrom({ minAvailable: 1 }, { maxUnavailable: "25%" })),
  })
  .map(({ scale, ...rest }) => JSON.parse(JSON.stringify({ ...rest, ...scale })) as PlatformService["spec"]);

function serviceOf(chosen: PlatformService["spec"]): ServiceObject {
  const manifest = {
    apiVersion: "plinth.dev/v1alpha1" as const,
    kind: "PlatformService" as const,
    metadata: { name: "notes" },
    spec: chosen,
  };
  expect(parseManifests(stringify(manifest), "notes.yaml").problems, "the generator makes valid specs").toEqual([]);
  const metadata = { name: "notes", namespace: "default", uid: "uid-notes", generation: 1 };
  return { ...applyDefaults(manifest), metadata } as ServiceObject;
}

const statusOf = (cluster: SimulatedCluster, type: string): string | undefined =>
  cluster.service.status?.conditions?.find((condition) => condition.type === type)?.status;

describe("whatever the spec", () => {
  test("it becomes Ready, and then nothing is left to write", () => {
    fc.assert(
      fc.property(spec, (chosen) => {
        const cluster = new SimulatedCluster(serviceOf(chosen));
        cluster.settle();
        expect(statusOf(cluster, "Ready")).toBe("True");
        expect(statusOf(cluster, "Reconciling")).toBe("False");
        // The same state at another time: still nothing.
        const later = cluster.reconcile(1_000_000);
        expect([later.apply, later.prune, later.againAfterMs]).toEqual([[], [], undefined]);
      }),
      { numRuns: 100 },
    );
  });

  test("no object is written more often than its stages demand", () => {
    fc.assert(
      fc.property(spec, (chosen) => {
        const cluster = new SimulatedCluster(serviceOf(chosen));
        cluster.settle();
        const counts = Map.groupBy(cluster.writes, (write) => write);
        for (const [object, writes] of counts) {
          // The DDL Secret is written once more to note that the database is prepared.
          expect(writes.length, object).toBe(object === "Secret/notes-database-ddl" ? 2 : 1);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("going from one spec to another ends where starting with the other ends", () => {
    fc.assert(
      fc.property(spec, spec, (first, second) => {
        // The schema cannot change.
        const target =
          first.database && second.database
            ? { ...second, database: { ...second.database, schema: first.database.schema } }
            : second;
        const changed = new SimulatedCluster(serviceOf(first));
        changed.settle();
        changed.service = { ...changed.service, spec: serviceOf(target).spec };
        changed.service.metadata.generation = 2;
        changed.settle();
        const direct = new SimulatedCluster(serviceOf(target));
        direct.settle();
        expect(shape(changed)).toEqual(shape(direct));
      }),
      { numRuns: 60 },
    );
  });
});

/** What runs, without what depends on the way there. */
function shape(cluster: SimulatedCluster): unknown[] {
  return cluster.children
    .filter(({ kind }) => kind !== "Job")
    .map((child) => {
      const { kind, metadata, spec, data } = child as unknown as Record<string, Record<string, unknown>>;
      return { kind, name: metadata?.["name"], spec, data };
    })
    .toSorted((a, b) => (`${a.kind}/${a.name}` < `${b.kind}/${b.name}` ? -1 : 1));
}
