import { applyDefaults, type PlatformService, parseManifests } from "@plinth/platform";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { ServiceObject } from "../src/platform-service/resources.ts";
import { anySpec } from "./any-spec.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

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
      fc.property(anySpec, (chosen) => {
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
      fc.property(anySpec, (chosen) => {
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
      fc.property(anySpec, anySpec, (first, second) => {
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
