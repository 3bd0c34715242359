import { type ApiCall, type KubeObject, type Resource, resources, type Transport } from "@plinth/kube";
import { eventually } from "@plinth/testing";
import { whyNoApiServer } from "@plinth/testing/kube";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { childResources, platformServices } from "../src/platform-service/resources.ts";
import {
  playEverything,
  type RunningOperator,
  runOperator,
  serviceShows,
  startTestCluster,
  type TestCluster,
} from "./test-cluster.ts";

const absent = whyNoApiServer();

describe.skipIf(absent)(`the operator's process ends${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let cluster: TestCluster;
  let world: { stop(): Promise<void> };

  beforeAll(async () => {
    cluster = await startTestCluster();
    world = playEverything(cluster);
  });
  afterAll(async () => {
    await world?.stop();
    await cluster?.stop();
  });

  const create = (name: string): Promise<unknown> =>
    cluster.client.create(platformServices, {
      metadata: { name, namespace: "default" },
      spec: {
        image: "example/notes:1",
        autoscaling: { min: 1, max: 3 },
        database: { schema: name.replaceAll("-", "_"), migrations: { path: "/app" }, deletionPolicy: "Delete" },
        events: { publishes: ["notes.note.v1"] },
        route: { rules: [{ path: `/${name}` }] },
      } as never,
    });

  const untilReady = (name: string): Promise<unknown> =>
    serviceShows(cluster, name, ({ Ready }) => expect(Ready).toMatchObject({ status: "True", reason: "Ready" }));

  /** Everything that the service has, without names, versions and what is made by chance. */
  async function endState(name: string): Promise<string[]> {
    const lists = await Promise.all(
      (childResources as readonly Resource[]).map(async (resource) => {
        const { items } = await cluster.client.list(resource, {
          namespace: "default",
          labelSelector: `plinth.dev/service=${name}`,
        });
        return items.map((item) => describeChild(resource, item));
      }),
    );
    const text = JSON.stringify(lists.flat()).replaceAll(name, "NAME").replaceAll(name.replaceAll("-", "_"), "SCHEMA");
    return (JSON.parse(text) as string[]).toSorted();
  }

  let reference: { writes: string[]; state: string[] };

  test("undisturbed, for comparison", async () => {
    const operator = await runOperator(cluster);
    await create("undisturbed");
    await untilReady("undisturbed");
    await operator.stop();
    const writes = operator.writes.filter(
      ({ path }) => !path.endsWith("/plinth-bus") && !path.endsWith("/plinth/secrets"),
    );
    reference = { writes: writes.map(({ method, path }) => `${method} ${path}`), state: await endState("undisturbed") };
    expect(reference.writes.length).toBeGreaterThan(15);
    expect(reference.state.length).toBe(13);
  });

  test.each(["before", "after"] as const)(
    "%s any of its writes: the next one ends in the same state",
    async (when) => {
      for (let n = 1; n <= reference.writes.length; n++) {
        const name = `${when}-${n}`;
        const crash = crashAt(n, when, name);
        const first = await runOperator(cluster, { wrapTransport: crash.wrap });
        await create(name);
        await crash.happened;
        await first.stop();
        const second = await runOperator(cluster);
        await untilReady(name);
        await second.stop();
        expect(await endState(name), `${when} write ${n}, ${reference.writes[n - 1]}`).toEqual(reference.state);
        await remove(name);
      }
    },
    300_000,
  );

  test("two at once, both believing to lead: one migration, the same state", async () => {
    const operators = await Promise.all([runOperator(cluster), runOperator(cluster)]);
    await create("both");
    await untilReady("both");
    await Promise.all(operators.map((operator) => operator.stop()));
    expect(await endState("both")).toEqual(reference.state);
  });

  test("not, while the API server is away: it goes on when that is back", async () => {
    const operator = await runOperator(cluster);
    await cluster.api.stopApi();
    await cluster.api.startApi();
    await create("later");
    await untilReady("later");
    await operator.stop();
    expect(await endState("later")).toEqual(reference.state);
  });

  test("not, when the database is gone for good: a deleted service is let go, and an Event says what is left", async () => {
    const first = await runOperator(cluster);
    await create("orphan");
    await untilReady("orphan");
    await first.stop();
    const second = await runOperator(cluster, {
      databaseUrl: "postgres://nobody:x@127.0.0.1:1/none",
      env: { PLINTH_OPERATOR_FINALIZE_TIMEOUT: "1s" },
    });
    await cluster.client.delete(platformServices, { namespace: "default", name: "orphan" });
    await gone("orphan");
    await eventually(async () => {
      const { items } = await cluster.client.list(resources.events, { namespace: "default" });
      const kept = items.find(({ reason, regarding }) => reason === "DataKept" && regarding?.name === "orphan");
      expect(kept?.note).toContain('schema "orphan" and its roles are still there');
    });
    await second.stop();
    expect(await cluster.database.admin("SELECT 1 AS there FROM pg_namespace WHERE nspname = 'orphan'")).toHaveLength(
      1,
    );
  });

  async function remove(name: string): Promise<void> {
    const operator: RunningOperator = await runOperator(cluster);
    await cluster.client.delete(platformServices, { namespace: "default", name });
    await gone(name);
    await operator.stop();
    // No garbage collector here.
    for (const resource of childResources as readonly Resource[]) {
      const labelSelector = `plinth.dev/service=${name}`;
      const { items } = await cluster.client.list(resource, { namespace: "default", labelSelector });
      for (const { metadata } of items) await cluster.client.delete(resource, metadata);
    }
  }

  const gone = (name: string): Promise<void> =>
    eventually(async () => {
      expect(await cluster.client.find(platformServices, { namespace: "default", name })).toBeUndefined();
    });
});

function describeChild(resource: Resource, child: KubeObject): string {
  const { metadata, spec } = child as KubeObject & { spec?: Record<string, unknown> };
  const own = Object.fromEntries(
    Object.entries(spec ?? {}).filter(([field]) => !/^clusterIP|^selector|^template/.test(field)),
  );
  const name = metadata.name.replace(/-migrate-[0-9a-f]+$/, "-migrate-HASH");
  return JSON.stringify([resource.kind, name, metadata.ownerReferences?.map((owner) => owner.name), own]);
}

/** A transport of a process that ends at its n-th write about this service: nothing goes out after it. */
function crashAt(n: number, when: "before" | "after", name: string) {
  const happened = Promise.withResolvers<void>();
  let writes = 0;
  let dead = false;
  const isOwn = ({ method, path }: ApiCall): boolean =>
    method !== "GET" && new RegExp(`/${name}(-|/|$)|/jobs$`).test(path);
  const wrap = (transport: Transport): Transport => ({
    ...transport,
    async send(call) {
      if (dead) throw new Error("this process is dead");
      if (!isOwn(call) || ++writes !== n) return transport.send(call);
      dead = true;
      if (when === "after") await transport.send(call);
      happened.resolve();
      throw new Error("this process is dead");
    },
  });
  return { wrap, happened: happened.promise };
}
