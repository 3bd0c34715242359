import { readFileSync } from "node:fs";
import path from "node:path";
import { type KubeObject, type Resource, resources } from "@plinth/kube";
import { applyDefaults, type PlatformService } from "@plinth/platform";
import { eventually } from "@plinth/testing";
import { type ApiServer, startApiServer, whyNoApiServer } from "@plinth/testing/kube";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { plan } from "../src/platform-service/plan.ts";
import type { ServiceObject } from "../src/platform-service/resources.ts";
import { clientOf } from "./test-cluster.ts";
import { testObserved, testSettings } from "./test-observed.ts";

const absent = whyNoApiServer();
const nodes: Resource = { apiVersion: "v1", kind: "Node", plural: "nodes", namespaced: false };

/** The Kubernetes scheduler decides, on nodes that have no kubelet. */
describe.skipIf(absent)(`instances of a service${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let api: ApiServer;
  let connection: Awaited<ReturnType<typeof clientOf>>;

  beforeAll(async () => {
    // Nobody is there to say that the nodes are ready.
    const flags = ["--disable-admission-plugins=TaintNodesByCondition"];
    api = await startApiServer({ scheduler: true, flags });
    connection = await clientOf(api);
  });
  afterAll(async () => {
    await connection?.close();
    await api?.stop();
  });

  /** On a node with more to give, whoever is not told otherwise goes there. */
  async function node(name: string, kind: string, cpu: number, zone?: string): Promise<void> {
    const labels = { kind, "kubernetes.io/hostname": name, ...(zone ? { "topology.kubernetes.io/zone": zone } : {}) };
    const size = { cpu: String(cpu), memory: `${4 * cpu}Gi`, pods: "50" };
    const status = { capacity: size, allocatable: size };
    const made = { metadata: { name, labels }, status } as unknown as KubeObject;
    // Status comes with the object here: a kubelet registers its node in that way.
    await connection.client.create(nodes, made as never);
  }

  /** Where a pod of the service, of one of its revisions, is put. */
  async function placed(name: string, kind: string, revision: string): Promise<string> {
    const { metadata, spec } = templateOf();
    const labels = { ...metadata?.labels, "pod-template-hash": revision };
    const pod = { metadata: { name, namespace: "default", labels }, spec: { ...spec, nodeSelector: { kind } } };
    await connection.client.create(resources.pods, pod as never);
    return eventually(async () => {
      const { spec: now } = await connection.client.get(resources.pods, { namespace: "default", name });
      expect(now?.nodeName).toEqual(expect.any(String));
      return String(now?.nodeName);
    });
  }

  test("are on different nodes where these have no zone, although one has more room", async () => {
    await node("large", "plain", 64);
    await node("small", "plain", 4);
    expect([await placed("plain-1", "plain", "1"), await placed("plain-2", "plain", "1")]).toEqual(["large", "small"]);
  });

  test("are in different zones where there are some", async () => {
    await node("here-large", "zoned", 64, "here");
    await node("here-small", "zoned", 32, "here");
    await node("there-small", "zoned", 4, "there");
    expect([await placed("zoned-1", "zoned", "1"), await placed("zoned-2", "zoned", "1")]).toEqual([
      "here-large",
      "there-small",
    ]);
  });

  test("do not avoid those of the revision that they replace", async () => {
    await node("wide", "rolled", 64);
    await placed("rolled-before", "rolled", "1");
    await node("narrow", "rolled", 4);
    expect([await placed("rolled-1", "rolled", "2"), await placed("rolled-2", "rolled", "2")]).toEqual([
      "wide",
      "narrow",
    ]);
  });
});

interface Template {
  metadata?: { labels?: Record<string, string> };
  spec: object;
}

function templateOf(): Template {
  const file = path.join(import.meta.dirname, "testdata", "rollout-failed.in.yaml");
  const input = parse(readFileSync(file, "utf8")) as { now: string; service: PlatformService };
  const metadata = { namespace: "default", uid: "uid-notes", generation: 1, ...(input.service.metadata as object) };
  const service = { ...applyDefaults(input.service), metadata } as ServiceObject;
  const { apply } = plan(service, testSettings, testObserved, Date.parse(input.now));
  const deployment = apply.find(({ resource }) => resource.kind === "Deployment")?.object;
  return (deployment as unknown as { spec: { template: Template } }).spec.template;
}
