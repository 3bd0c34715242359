import { resources } from "@plinth/kube";
import { eventually } from "@plinth/testing";
import { whyNoApiServer } from "@plinth/testing/kube";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { httpRoutes, routePolicies } from "../src/platform-service/gateway-api.ts";
import { annotations } from "../src/platform-service/labels.ts";
import { platformServices, type ServiceObject } from "../src/platform-service/resources.ts";
import { writeStatus } from "../src/platform-service/write-status.ts";
import {
  activeJob,
  playGateway,
  playJob,
  playJobPod,
  playRollout,
  query,
  type RunningOperator,
  runOperator,
  serviceShows,
  startTestCluster,
  type TestCluster,
} from "./test-cluster.ts";

const absent = whyNoApiServer();

describe.skipIf(absent)(`on a real API server${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let cluster: TestCluster;
  let operator: RunningOperator;

  beforeAll(async () => {
    cluster = await startTestCluster();
    operator = await runOperator(cluster);
  });
  afterAll(async () => {
    await operator?.stop();
    await cluster?.stop();
  });

  const ref = (name: string) => ({ namespace: "default", name });

  function apply(name: string, spec: object, metadata: object = {}): Promise<unknown> {
    return cluster.client.apply(
      platformServices,
      { metadata: { name, namespace: "default", ...metadata }, spec: spec as never },
      { fieldManager: "person", force: true },
    );
  }

  /** With everything a service can have. */
  const full = (schema: string) => ({
    image: "registry.example.com/notes:1",
    replicas: 2,
    resources: { requests: { cpu: "0.5", memory: "1024Mi" } },
    database: { schema, migrations: { path: "/app/migrations" } },
    events: { publishes: ["notes.note.v1"] },
    route: {
      rules: [{ path: "/notes.v1.NotesService/", rateLimit: { requests: 20 }, timeout: "5s" }],
      cors: { allowOrigins: ["https://app.example.com"] },
    },
  });

  async function bringUp(name: string, spec: object): Promise<void> {
    await apply(name, spec);
    const job = await activeJob(cluster, name);
    await playJob(cluster, job.metadata.name, "complete");
    await playRollout(cluster, name);
    await playGateway(cluster, httpRoutes, name);
    await serviceShows(cluster, name, ({ Ready }) => expect(Ready).toMatchObject({ status: "True", reason: "Ready" }));
  }

  test("goes through database, migration, instances and route, in this order", async () => {
    await apply("order", full("op_order"));

    const job = await activeJob(cluster, "order");
    expect(await cluster.client.find(resources.deployments, ref("order"))).toBeUndefined();
    await serviceShows(cluster, "order", ({ DatabaseReady, Migrated, Ready, Reconciling }) => {
      expect(DatabaseReady).toMatchObject({ status: "True", reason: "DatabasePrepared" });
      expect(Migrated).toMatchObject({ status: "False", reason: "MigrationRunning" });
      expect(Ready?.status).toBe("False");
      expect(Reconciling?.status).toBe("True");
    });
    await playJobPod(cluster, job.metadata.name, 0, "result: applied=4 pending=0");
    await playJob(cluster, job.metadata.name, "complete");

    await eventually(() => cluster.client.get(resources.deployments, ref("order")));
    expect(await cluster.client.find(httpRoutes, ref("order"))).toBeUndefined();
    await playRollout(cluster, "order");
    await playGateway(cluster, httpRoutes, "order");

    const ready = await serviceShows(cluster, "order", (conditions) => {
      for (const type of ["Ready", "DatabaseReady", "Migrated", "Available", "RouteAccepted"]) {
        expect(conditions[type]?.status, type).toBe("True");
      }
      expect(conditions["Reconciling"]?.status).toBe("False");
      expect(conditions["Stalled"]?.status).toBe("False");
    });
    expect(ready.status).toMatchObject({
      image: "registry.example.com/notes:1",
      migration: { applied: 4, pending: 0 },
      replicas: { desired: 2, ready: 2, updated: 2, available: 2 },
    });
    const policy = await cluster.client.get(routePolicies, ref("order"));
    expect(policy.spec.rules[0]).toMatchObject({
      name: expect.stringMatching(/^rule-[0-9a-f]{10}$/),
      authentication: "Required",
      rateLimit: { requests: 20, per: "1s", key: "Principal" },
    });
  });

  test("the credentials work: rows with one, tables with the other", async () => {
    const url = async (name: string) => {
      const { data } = await cluster.client.get(resources.secrets, ref(name));
      return Buffer.from(data?.["url"] ?? "", "base64").toString();
    };
    await query(await url("order-database-ddl"), "CREATE TABLE note (id int)");
    await query(await url("order-database"), "INSERT INTO note VALUES (1)");
    await expect(query(await url("order-database"), "CREATE TABLE other (id int)")).rejects.toThrow(
      "permission denied",
    );
    await query(await url("order-bus"), "SELECT count(*) FROM message");
  });

  test("writes nothing once everything is there", async () => {
    await settled();
    const before = operator.writes.length;
    // A touch of every child wakes the reconcile.
    await cluster.client.patch(
      resources.services,
      ref("order"),
      { metadata: { annotations: { touched: "1" } } },
      { type: "merge" },
    );
    await cluster.client.patch(
      platformServices,
      ref("order"),
      { metadata: { annotations: { touched: "1" } } },
      { type: "merge" },
    );
    await settled();
    expect(operator.writes.slice(before).map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  });

  test("puts back what was edited or deleted by hand", async () => {
    await cluster.client.patch(resources.deployments, ref("order"), { spec: { replicas: 7 } }, { type: "merge" });
    await cluster.client.patch(
      resources.deployments,
      ref("order"),
      { spec: { template: { spec: { containers: [{ name: "service", image: "evil:1" }] } } } },
      { type: "strategic" },
    );
    await cluster.client.delete(resources.networkPolicies, ref("order"));
    await cluster.client.delete(httpRoutes, ref("order"));
    await playRollout(cluster, "order");
    await eventually(async () => {
      const { spec } = await cluster.client.get(resources.deployments, ref("order"));
      expect(spec?.replicas).toBe(2);
      expect(spec?.template.spec?.containers[0]?.image).toBe("registry.example.com/notes:1");
      await playRollout(cluster, "order");
      await cluster.client.get(resources.networkPolicies, ref("order"));
      await cluster.client.get(httpRoutes, ref("order"));
    });
    await playGateway(cluster, httpRoutes, "order");
    await serviceShows(cluster, "order", ({ Ready }) => expect(Ready?.reason).toBe("Ready"));
  });

  test("a failed migration leaves the old version serving; a corrected image goes on", async () => {
    await bringUp("broken", full("op_broken"));
    const before = await cluster.client.get(resources.deployments, ref("broken"));

    await apply("broken", { ...full("op_broken"), image: "registry.example.com/notes:2" });
    const job = await activeJob(cluster, "broken");
    await playJobPod(cluster, job.metadata.name, 3, '0002_x.sql line 1: relation "nope" does not exist');
    await playJob(cluster, job.metadata.name, "failed");

    const stalled = await serviceShows(cluster, "broken", ({ Ready, Migrated, Stalled, Available }) => {
      expect(Stalled).toMatchObject({ status: "True", reason: "MigrationFailed" });
      expect(Stalled?.message).toContain('relation "nope" does not exist');
      expect(Migrated).toMatchObject({ status: "False", reason: "MigrationFailed" });
      expect(Ready).toMatchObject({ status: "True", reason: "PreviousVersionServing" });
      expect(Available?.status).toBe("True");
    });
    expect(stalled.status?.migration?.lastError).toContain("0002_x.sql line 1");
    const held = await cluster.client.get(resources.deployments, ref("broken"));
    expect(held.spec?.template).toEqual(before.spec?.template);

    await apply("broken", { ...full("op_broken"), image: "registry.example.com/notes:3" });
    await playJob(cluster, (await activeJob(cluster, "broken")).metadata.name, "complete");
    await eventually(async () => {
      const { spec } = await cluster.client.get(resources.deployments, ref("broken"));
      expect(spec?.template.spec?.containers[0]?.image).toBe("registry.example.com/notes:3");
    });
    await playRollout(cluster, "broken");
    await serviceShows(cluster, "broken", ({ Ready, Stalled }, { status }) => {
      expect(Ready?.message).toBe("Everything that the spec asks for is there and serves.");
      expect(Stalled?.status).toBe("False");
      expect(status?.migration?.lastError).toBeUndefined();
    });
    expect(await cluster.client.find(resources.jobs, ref(job.metadata.name)), "its logs are kept").toBeDefined();
  });

  test("the annotation plinth.dev/retry runs the migration again, and restarts nothing", async () => {
    await bringUp("again", full("op_again"));
    const before = await cluster.client.get(resources.deployments, ref("again"));
    await apply("again", full("op_again"), { annotations: { [annotations.retry]: "1" } });
    await playJob(cluster, (await activeJob(cluster, "again")).metadata.name, "complete");
    await eventually(async () => {
      const { metadata } = await cluster.client.get(resources.deployments, ref("again"));
      const [now, then] = [metadata.annotations, before.metadata.annotations];
      expect(now?.[annotations.migration]).not.toBe(then?.[annotations.migration]);
    });
    await playRollout(cluster, "again");
    await serviceShows(cluster, "again", ({ Ready }) => expect(Ready?.reason).toBe("Ready"));
    const after = await cluster.client.get(resources.deployments, ref("again"));
    expect(after.spec?.template).toEqual(before.spec?.template);
  });

  test("paused: only the status is written", async () => {
    await settled();
    await apply("order", { ...full("op_order"), paused: true, replicas: 5 });
    await serviceShows(cluster, "order", ({ Reconciling, Ready }) => {
      expect(Reconciling).toMatchObject({ status: "False", reason: "Paused" });
      expect(Ready?.status).toBe("True");
    });
    await settled();
    const { spec } = await cluster.client.get(resources.deployments, ref("order"));
    expect(spec?.replicas).toBe(2);
    await apply("order", full("op_order"));
    await serviceShows(cluster, "order", ({ Ready }) => expect(Ready?.reason).toBe("Ready"));
  });

  test("dependsOn holds back the first start only", async () => {
    await apply("upper", { image: "example/upper:1", dependsOn: ["lower"] });
    await serviceShows(cluster, "upper", ({ Available }) => {
      expect(Available).toMatchObject({ status: "False", reason: "DependencyNotReady" });
      expect(Available?.message).toContain("lower (does not exist)");
    });
    expect(await cluster.client.find(resources.deployments, ref("upper"))).toBeUndefined();
    await apply("lower", { image: "example/lower:1" });
    await playRollout(cluster, "lower");
    await playRollout(cluster, "upper");
    await serviceShows(cluster, "upper", ({ Ready }) => expect(Ready?.status).toBe("True"));
  });

  test("a child's name that is taken is left alone", async () => {
    await cluster.client.create(resources.services, {
      metadata: ref("taken"),
      spec: { ports: [{ port: 1, name: "x" }] },
    } as never);
    await apply("taken", { image: "example/taken:1" });
    await serviceShows(cluster, "taken", ({ Stalled }) => {
      expect(Stalled).toMatchObject({ status: "True", reason: "NameTaken" });
      expect(Stalled?.message).toContain("Service taken exists and belongs to nobody");
    });
    const { spec } = await cluster.client.get(resources.services, ref("taken"));
    expect(spec?.ports?.[0]?.port).toBe(1);
  });

  test("what the API server refuses is told", async () => {
    await apply("refused", { image: "example/refused:1", resources: { requests: { cpu: 2 }, limits: { cpu: 1 } } });
    await serviceShows(cluster, "refused", ({ Stalled }) => {
      expect(Stalled).toMatchObject({ status: "True", reason: "ChildRefused" });
      expect(Stalled?.message).toContain("must be less than or equal to cpu limit");
    });
    await apply("refused", { image: "example/refused:1" });
    await playRollout(cluster, "refused");
    await serviceShows(cluster, "refused", ({ Ready }) => expect(Ready?.status).toBe("True"));
  });

  test("a schema that belongs to another service is refused", async () => {
    await apply("thief", { image: "example/thief:1", database: { schema: "op_order" } });
    await serviceShows(cluster, "thief", ({ DatabaseReady, Stalled }) => {
      expect(DatabaseReady).toMatchObject({ status: "False", reason: "SchemaTaken" });
      expect(DatabaseReady?.message).toContain("belongs to default/order");
      expect(Stalled?.status).toBe("True");
    });
  });

  test("a service of the same name that came meanwhile gets no status of its predecessor", async () => {
    const make = async (image: string): Promise<ServiceObject> => {
      await apply("namesake", { image, paused: true });
      return serviceShows(cluster, "namesake", ({ Ready }) => expect(Ready?.reason).toBe("Paused"));
    };
    const first = await make("registry.example.com/notes:1");
    await cluster.client.delete(platformServices, ref("namesake"));
    const second = await make("registry.example.com/notes:2");

    const late = { ...first.status, image: "registry.example.com/notes:1" };
    const events = { record: vi.fn() };
    await expect(writeStatus(cluster.client, events, first, late, AbortSignal.timeout(10_000))).rejects.toThrow();
    expect(events.record).not.toHaveBeenCalled();
    expect(await cluster.client.get(platformServices, ref("namesake"))).toEqual(second);
  });

  test("deletion keeps the data; with deletionPolicy Delete it goes", async () => {
    await cluster.client.delete(platformServices, ref("order"));
    await gone("order");
    expect(await schemas("op_order")).toBe(1);

    const spec = full("op_gone");
    await bringUp("gone", { ...spec, database: { ...spec.database, deletionPolicy: "Delete" } });
    await cluster.client.delete(platformServices, ref("gone"));
    await gone("gone");
    expect(await schemas("op_gone")).toBe(0);
    expect(await cluster.database.admin("SELECT 1 FROM pg_roles WHERE rolname LIKE 'op_gone%'")).toEqual([]);
  });

  test("autoscaling leaves the number of instances to the autoscaler", async () => {
    await apply("scaled", { image: "example/scaled:1", autoscaling: { min: 2, max: 5 } });
    await playRollout(cluster, "scaled");
    await serviceShows(cluster, "scaled", ({ Ready }) => expect(Ready?.status).toBe("True"));
    await cluster.client.patch(resources.deployments, ref("scaled"), { spec: { replicas: 4 } }, { type: "merge" });
    await playRollout(cluster, "scaled");
    await settled();
    expect((await cluster.client.get(resources.deployments, ref("scaled"))).spec?.replicas).toBe(4);
    expect((await cluster.client.get(resources.horizontalPodAutoscalers, ref("scaled"))).spec).toMatchObject({
      minReplicas: 2,
      maxReplicas: 5,
    });
    await apply("scaled", { image: "example/scaled:1", replicas: 3 });
    await eventually(async () => {
      expect((await cluster.client.get(resources.deployments, ref("scaled"))).spec?.replicas).toBe(3);
      expect(await cluster.client.find(resources.horizontalPodAutoscalers, ref("scaled"))).toBeUndefined();
    });
  });

  const gone = (name: string): Promise<void> =>
    eventually(async () => expect(await cluster.client.find(platformServices, ref(name))).toBeUndefined());

  async function schemas(name: string): Promise<number> {
    const rows = await cluster.database.admin(`SELECT 1 FROM pg_namespace WHERE nspname = '${name}'`);
    return rows.length;
  }

  /**
   * No write for a while: what was to be written is written. Counted in looks, of which there are fifty in a second: a process
   * that has no turn for a while writes nothing meanwhile, and does not look.
   */
  async function settled(): Promise<void> {
    let seen = -1;
    let quiet = 0;
    await eventually(() => {
      quiet = operator.writes.length === seen ? quiet + 1 : 0;
      seen = operator.writes.length;
      if (quiet < 75) throw new Error("still writing");
    }, 60_000);
  }
});
