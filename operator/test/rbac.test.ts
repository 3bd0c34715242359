import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type ApiCall, type KubeObject, type Resource, resources, type Transport } from "@plinth/kube";
import { eventually } from "@plinth/testing";
import { type Right, rightOfRequest, rightsOf, unusedRights, whyNoApiServer } from "@plinth/testing/kube";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platformServices } from "../src/platform-service/resources.ts";
import { clusterRules, namespaceRules } from "../src/rbac.ts";
import {
  activeJob,
  playEverything,
  playJob,
  playJobPod,
  runOperator,
  serviceShows,
  startTestCluster,
  type TestCluster,
} from "./test-cluster.ts";

const absent = whyNoApiServer();

describe.skipIf(absent)(`with the rules of the chart${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let cluster: TestCluster;
  let folder: string;
  let kubeconfig: string;
  const calls: ApiCall[] = [];

  beforeAll(async () => {
    cluster = await startTestCluster();
    folder = await mkdtemp(path.join(tmpdir(), "plinth-rbac-"));
    kubeconfig = path.join(folder, "kubeconfig.json");
    await writeFile(kubeconfig, restrictedConfig(cluster), { mode: 0o600 });
    await bindRules(cluster);
  });
  afterAll(async () => {
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const spec = (name: string): object => ({
    image: "example/notes:1",
    autoscaling: { max: 3 },
    database: { schema: name, migrations: { path: "/app" }, deletionPolicy: "Delete" },
    events: {},
    route: { rules: [{ path: `/${name}` }] },
  });
  const apply = (name: string, wanted: object): Promise<unknown> =>
    cluster.client.apply(
      platformServices,
      { metadata: { name, namespace: "default" }, spec: wanted as never },
      { fieldManager: "person", force: true },
    );
  const reaches = (name: string, type: string, reason: string): Promise<unknown> =>
    serviceShows(cluster, name, (conditions) => expect(conditions[type]?.reason).toBe(reason));

  test("the operator can do its work, from creation to deletion", async () => {
    const record = (transport: Transport): Transport => ({
      ...transport,
      send(call) {
        calls.push(call);
        return transport.send(call);
      },
      open(call) {
        calls.push(call);
        return transport.open(call);
      },
    });
    const operator = await runOperator(cluster, {
      kubeconfig,
      wrapTransport: record,
      env: { PLINTH_OPERATOR_LEADER_ELECTION: "true" },
    });
    await apply("fails", spec("rbac_fails"));
    const job = await activeJob(cluster, "fails");
    await playJobPod(cluster, job.metadata.name, 3, "no such table");
    await playJob(cluster, job.metadata.name, "failed");
    await reaches("fails", "Stalled", "MigrationFailed");
    const world = playEverything(cluster);
    await apply("works", spec("rbac_works"));
    await reaches("works", "Ready", "Ready");
    // Another version, so that there is something to take away, then less of everything.
    await apply("works", { ...spec("rbac_works"), image: "example/notes:2" });
    await serviceShows(cluster, "works", (_, { status }) => expect(status?.image).toBe("example/notes:2"));
    await apply("works", {
      image: "example/notes:2",
      database: { schema: "rbac_works", deletionPolicy: "Delete" },
      networkPolicy: { mode: "Open" },
      pod: { serviceAccountName: "other" },
    });
    await serviceShows(cluster, "works", ({ Ready }, { status }) => {
      expect(Ready?.reason).toBe("Ready");
      expect(status?.url).toBeUndefined();
    });
    await eventually(async () => {
      expect(
        await cluster.client.find(resources.networkPolicies, { namespace: "default", name: "works" }),
      ).toBeUndefined();
      expect(
        await cluster.client.find(resources.serviceAccounts, { namespace: "default", name: "works" }),
      ).toBeUndefined();
    });
    await cluster.client.delete(platformServices, { namespace: "default", name: "works" });
    await eventually(async () => {
      expect(await cluster.client.find(platformServices, { namespace: "default", name: "works" })).toBeUndefined();
    });
    await world.stop();
    await operator.stop();
  });

  test("and has no rule that it did not need", () => {
    const used = new Set(calls.map(usedRight));
    const firstWrites = new Set(calls.filter(isFirstWrite).map((call) => usedRight(call).split(" ").at(-1) as string));
    // Asked by the API server on the operator's behalf, not by the operator.
    const implied = new Set(["update plinth.dev/platformservices/finalizers"]);
    // When the name of a first write is taken, the object is read: whose is it?
    const readWhenTaken = (right: string): boolean => firstWrites.has(right.replace("get ", ""));
    const unused = unusedRights(rightsOf([...clusterRules, ...namespaceRules]), used);
    expect(unused.filter((right) => !implied.has(right) && !readWhenTaken(right))).toEqual([]);
  });
});

/** A creation, or an apply that demands a version which no object has. */
const isFirstWrite = ({ method, body }: ApiCall): boolean =>
  method === "POST" || (body as KubeObject | undefined)?.metadata?.resourceVersion === "1";

const usedRight = ({ method, path: url, query }: ApiCall): Right =>
  rightOfRequest(method, url, query?.["watch"] === true);

const rbacKind = (kind: string, plural: string, namespaced: boolean): Resource<KubeObject> => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind,
  plural,
  namespaced,
});

async function bindRules({ client }: TestCluster): Promise<void> {
  const apiGroup = "rbac.authorization.k8s.io";
  const subjects = [{ kind: "User", name: "nobody", apiGroup }];
  const everywhere = { metadata: { name: "plinth-operator" } };
  const inPlinth = { metadata: { name: "plinth-operator", namespace: "plinth" } };
  const objects: [Resource<KubeObject>, object][] = [
    [rbacKind("ClusterRole", "clusterroles", false), { ...everywhere, rules: clusterRules }],
    [
      rbacKind("ClusterRoleBinding", "clusterrolebindings", false),
      { ...everywhere, subjects, roleRef: { kind: "ClusterRole", name: "plinth-operator", apiGroup } },
    ],
    [rbacKind("Role", "roles", true), { ...inPlinth, rules: namespaceRules }],
    [
      rbacKind("RoleBinding", "rolebindings", true),
      { ...inPlinth, subjects, roleRef: { kind: "Role", name: "plinth-operator", apiGroup } },
    ],
  ];
  for (const [resource, object] of objects) await client.create(resource, object as never);
}

const restrictedConfig = ({ api }: TestCluster): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "t", cluster: { server: api.url, "certificate-authority-data": Buffer.from(api.ca).toString("base64") } },
    ],
    users: [{ name: "nobody", user: { token: api.nobodyToken } }],
    contexts: [{ name: "t", context: { cluster: "t", user: "nobody" } }],
    "current-context": "t",
  });
