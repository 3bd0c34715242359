import type { KubeObject, Resource } from "@plinth/kube";
import { eventually } from "@plinth/testing";
import { expect } from "vitest";
import { childResources, platformServices } from "../../src/platform-service/resources.ts";
import { playEverything, runOperator, serviceShows, startTestCluster, type TestCluster } from "../test-cluster.ts";

/** A cluster in which everything works, and services that have everything: what the fault suites start from. */
export interface FaultyWorld {
  cluster: TestCluster;
  create(name: string): Promise<unknown>;
  /** The end state of a service that nothing disturbs, for comparison. */
  undisturbed(): Promise<string[]>;
  untilReady(name: string): Promise<unknown>;
  /** Everything that the service has, without names, versions and what is made by chance. */
  endState(name: string): Promise<string[]>;
  /** Uid of every child. */
  uids(name: string): Promise<string[]>;
  /** Deletes the service, waits until a running operator let it go, and collects its children as the cluster would. */
  remove(name: string): Promise<void>;
  gone(name: string): Promise<void>;
  /** Takes the children away, as the garbage collector does when their owner is gone. */
  collect(name: string): Promise<void>;
  stop(): Promise<void>;
}

export const fullSpec = (name: string) => ({
  image: "example/notes:1",
  autoscaling: { min: 1, max: 3 },
  database: { schema: name.replaceAll("-", "_"), migrations: { path: "/app" }, deletionPolicy: "Delete" },
  events: { publishes: ["notes.note.v1"] },
  route: { rules: [{ path: `/${name}` }] },
});

export async function startFaultyWorld(): Promise<FaultyWorld> {
  const cluster = await startTestCluster();
  const players = playEverything(cluster);

  async function children(name: string): Promise<{ resource: Resource; child: KubeObject }[]> {
    const lists = (childResources as readonly Resource[]).map(async (resource) => {
      const labelSelector = `plinth.dev/service=${name}`;
      const { items } = await cluster.client.list(resource, { namespace: "default", labelSelector });
      return items.map((child) => ({ resource, child }));
    });
    return (await Promise.all(lists)).flat();
  }

  async function collect(name: string): Promise<void> {
    for (const { resource, child } of await children(name)) await cluster.client.delete(resource, child.metadata);
  }

  const gone = (name: string): Promise<void> =>
    eventually(async () => {
      expect(await cluster.client.find(platformServices, { namespace: "default", name })).toBeUndefined();
    });

  const world: FaultyWorld = {
    cluster,
    async undisturbed() {
      const operator = await runOperator(cluster);
      await world.create("undisturbed");
      await world.untilReady("undisturbed");
      await operator.stop();
      return world.endState("undisturbed");
    },
    create: (name) =>
      cluster.client.create(platformServices, {
        metadata: { name, namespace: "default" },
        spec: fullSpec(name) as never,
      }),
    untilReady: (name) =>
      serviceShows(cluster, name, ({ Ready }) => expect(Ready).toMatchObject({ status: "True", reason: "Ready" })),
    async endState(name) {
      const described = (await children(name)).map(({ resource, child }) => describeChild(resource, child));
      const text = JSON.stringify(described)
        .replaceAll(name, "NAME")
        .replaceAll(name.replaceAll("-", "_"), "SCHEMA")
        // Named after the path, which has the service's name in it.
        .replaceAll(/rule-[0-9a-f]{10}/g, "rule-HASH");
      return (JSON.parse(text) as string[]).toSorted();
    },
    uids: async (name) => (await children(name)).map(({ child }) => child.metadata.uid ?? "").toSorted(),
    gone,
    collect,
    async remove(name) {
      await cluster.client.delete(platformServices, { namespace: "default", name });
      await gone(name);
      await collect(name);
    },
    async stop() {
      await players.stop();
      await cluster.stop();
    },
  };
  return world;
}

function describeChild(resource: Resource, child: KubeObject): string {
  const { metadata, spec } = child as KubeObject & { spec?: Record<string, unknown> };
  const own = Object.fromEntries(
    Object.entries(spec ?? {}).filter(([field]) => !/^clusterIP|^selector|^template/.test(field)),
  );
  const name = metadata.name.replace(/-migrate-[0-9a-f]+$/, "-migrate-HASH");
  return JSON.stringify([resource.kind, name, metadata.ownerReferences?.map((owner) => owner.name), own]);
}
