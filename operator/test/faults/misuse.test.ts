import type { KubeObject, Resource } from "@plinth/kube";
import { eventually } from "@plinth/testing";
import { whyNoApiServer } from "@plinth/testing/kube";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { childResources, platformServices } from "../../src/platform-service/resources.ts";
import { anySpec } from "../any-spec.ts";
import { conditionsOf, type RunningOperator, runOperator } from "../test-cluster.ts";
import { type FaultyWorld, fullSpec, startFaultyWorld } from "./faulty-world.ts";

const absent = whyNoApiServer();
const seed = 20_261_126;

describe.skipIf(absent)(`whatever people write${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let world: FaultyWorld;
  let operator: RunningOperator;

  beforeAll(async () => {
    world = await startFaultyWorld();
    operator = await runOperator(world.cluster);
  });
  afterAll(async () => {
    await operator?.stop();
    await world?.stop();
  });

  const apply = (name: string, spec: object): Promise<unknown> =>
    world.cluster.client.apply(
      platformServices,
      { metadata: { name, namespace: "default" }, spec: spec as never },
      { fieldManager: "person", force: true },
    );

  /** Ready or Stalled for the spec as it is now, with words for a person. */
  const settled = (name: string): Promise<string> =>
    eventually(async () => {
      const { metadata, status } = await world.cluster.client.get(platformServices, { namespace: "default", name });
      expect(status?.observedGeneration).toBe(metadata.generation);
      const { Ready, Stalled, Reconciling } = conditionsOf(status);
      expect(Reconciling?.status, `${Reconciling?.reason}: ${Reconciling?.message}`).toBe("False");
      const end = Stalled?.status === "True" ? Stalled : Ready;
      expect(end?.status).toBe("True");
      expect(end?.message).not.toBe("");
      return `${end === Stalled ? "Stalled" : "Ready"} ${end?.reason}`;
    });

  test("one service goes through any sequence of valid specs, and each comes to an end", async () => {
    for (const spec of fc.sample(anySpec, { numRuns: 15, seed })) {
      const kept = spec.database ? { ...spec, database: { ...spec.database, schema: "mutant" } } : spec;
      await apply("mutant", kept);
      expect(await settled("mutant"), JSON.stringify(kept)).toBe("Ready Ready");
    }
  }, 600_000);

  test.each([
    [
      "what the API server refuses",
      { resources: { requests: { cpu: 2 }, limits: { cpu: 1 } } },
      "Stalled ChildRefused",
    ],
    ["a schema of somebody else", { database: { schema: "owned" } }, "Stalled SchemaTaken"],
  ])(
    "after %s, going back brings back every child as it was",
    async (_, mistake, end) => {
      const name = `back-${end.toLowerCase().replace("stalled ", "")}`;
      await apply("owner", { image: "example/owner:1", database: { schema: "owned", deletionPolicy: "Retain" } });
      expect(await settled("owner")).toBe("Ready Ready");
      const { database, ...stateless } = fullSpec(name);
      const good = "database" in mistake ? stateless : { ...stateless, database };
      await apply(name, good);
      expect(await settled(name)).toBe("Ready Ready");
      const before = await contents(name);

      await apply(name, { ...good, ...mistake });
      expect(await settled(name)).toBe(end);
      await apply(name, good);
      expect(await settled(name)).toBe("Ready Ready");
      expect(await contents(name)).toEqual(before);
    },
    600_000,
  );

  /** Children whole, without what the API server counts and what controllers say. */
  async function contents(name: string): Promise<unknown[]> {
    const lists = (childResources as readonly Resource[]).map(async (resource) => {
      const labelSelector = `plinth.dev/service=${name}`;
      const { items } = await world.cluster.client.list(resource, { namespace: "default", labelSelector });
      return items.map((item) => withoutCounters(resource, item));
    });
    return (await Promise.all(lists)).flat();
  }
});

function withoutCounters(resource: Resource, child: KubeObject): unknown {
  const { metadata, status: _, ...rest } = child as KubeObject & { status?: unknown };
  const counted = new Set(["resourceVersion", "generation", "managedFields"]);
  const kept = Object.fromEntries(Object.entries(metadata).filter(([field]) => !counted.has(field)));
  return { kind: resource.kind, ...rest, metadata: kept };
}
