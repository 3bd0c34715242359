import type { Clock } from "@plinth/kernel";
import { systemClock } from "@plinth/kernel";
import { resources } from "@plinth/kube";
import { platformServices } from "@plinth/operator";
import { whyNoApiServer } from "@plinth/testing/kube";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CheckResult, runChecks } from "../../src/checks/check.ts";
import { clusterChecks } from "../../src/checks/cluster/cluster-checks.ts";
import { clusterContext, gateways } from "../../src/checks/cluster/cluster-context.ts";
import { check } from "../../src/commands/check.ts";
import { openCluster } from "../../src/kubernetes/open-cluster.ts";
import { captured } from "../captured.ts";
import {
  certificateFor,
  createPod,
  createSecret,
  playInstallation,
  playReady,
  startTestCluster,
  type TestCluster,
} from "./test-cluster.ts";

const absent = whyNoApiServer();

describe.skipIf(absent)(`plinth check on Kubernetes${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await startTestCluster();
    await playInstallation(cluster);
  });
  afterAll(() => cluster?.stop());

  async function results(options: { kubeconfig?: string; clock?: Clock } = {}): Promise<CheckResult[]> {
    const opened = await openCluster({ kubeconfig: options.kubeconfig ?? cluster.api.kubeconfig }, options.clock);
    try {
      return await runChecks(clusterChecks, clusterContext(opened, "plinth"), { clock: systemClock });
    } finally {
      await opened.close();
    }
  }

  /** The one finding of this check that is not ok: what is wrong, and what to do. */
  async function trouble(name: string, options?: Parameters<typeof results>[0]): Promise<CheckResult> {
    const found = (await results(options)).filter((each) => each.name === name && each.hint !== "");
    expect(found).toHaveLength(1);
    return found[0] as CheckResult;
  }

  test("finds nothing wrong with what is right", async () => {
    const { terminal, text } = captured();
    const options = { kubeconfig: cluster.api.kubeconfig, namespace: "plinth", data: "none", wait: 0 };
    expect(await check({ ...options, output: "text" }, terminal)).toBe(0);
    expect(text()).toContain("√ platform services: default/notes is ready");
    expect(text()).toMatch(/the platform on Kubernetes works\n$/);
    const json = captured();
    expect(await check({ ...options, output: "json" }, json.terminal)).toBe(0);
    expect(JSON.parse(json.text())).toMatchObject({ ok: true, checks: expect.any(Array) });
  });

  test("--wait goes on until it works", async () => {
    await playReady(cluster, "notes", { reason: "StartingUp", message: "0 of 2 instances serve" });
    const { terminal, text } = captured();
    const options = { kubeconfig: cluster.api.kubeconfig, namespace: "plinth", data: "none", output: "text" as const };
    const waiting = check({ ...options, wait: 90_000 }, terminal);
    expect(await check({ ...options, wait: 0 }, captured().terminal)).toBe(1);
    await playReady(cluster, "notes");
    expect(await waiting).toBe(0);
    expect(text()).not.toContain("StartingUp");
  });

  describe("names cause and fix of", () => {
    test("a missing permission", async () => {
      const { message, hint } = await trouble("rights", { kubeconfig: cluster.nobody });
      expect(message).toContain("this account may not list platformservices.plinth.dev in all namespaces");
      expect(hint).toContain("ask for the ClusterRole view");
    });

    test("a clock that is ten minutes off", async () => {
      const clock = { ...systemClock, now: () => systemClock.now() - 600_000 };
      const { message, hint } = await trouble("clock", { clock });
      const [, seconds] = /the clock of the API server is (\d+) s ahead of this machine's/.exec(message) ?? [];
      // What lies in the time that the answer took is not counted.
      expect(Number(seconds)).toBeGreaterThan(570);
      expect(Number(seconds)).toBeLessThanOrEqual(600);
      expect(hint).toContain("chrony");
    });

    test("an API server that is away", async () => {
      const away = await openCluster({ kubeconfig: cluster.api.kubeconfig });
      const config = { ...away.config, server: "https://127.0.0.1:1" };
      await away.close();
      const { createApiClient, createHttpTransport } = await import("@plinth/kube");
      const { systemRandom } = await import("@plinth/kernel");
      const tools = { clock: systemClock, random: systemRandom, userAgent: "test" };
      const transport = createHttpTransport({ cluster: config, ...tools });
      const opened = { ...away, config, transport, client: createApiClient(transport) };
      const found = await runChecks(clusterChecks, clusterContext(opened, "plinth"), { clock: systemClock });
      await transport.close();
      expect(found[0]).toMatchObject({ name: "api server", status: "failed" });
      expect(found[0]?.message).toContain("127.0.0.1:1");
      expect(found[0]?.hint).toContain("--context");
      expect(found.slice(1).filter(({ status }) => status !== "skipped")).toEqual([]);
    });

    test("an expired certificate, and of one that soon will be", async () => {
      await createSecret(cluster, "edge", { "tls.crt": certificateFor(-3) });
      const expired = await trouble("certificates");
      expect(expired).toMatchObject({
        status: "failed",
        message: expect.stringMatching(/plinth\/edge .*expired on 2/),
      });
      expect(expired.hint).toContain("renew the certificate and replace tls.crt");
      await createSecret(cluster, "edge", { "tls.crt": certificateFor(5) });
      expect((await trouble("certificates")).status).toBe("warning");
      await createSecret(cluster, "edge", { "tls.crt": certificateFor(30) });
    });

    test("a missing image", async () => {
      const waiting = { reason: "ErrImagePull", message: "manifest unknown" };
      const container = { name: "notes", image: "example/notes:2", imageID: "", ready: false, restartCount: 0 };
      await createPod(cluster, "notes-2", {
        phase: "Pending",
        containerStatuses: [{ ...container, state: { waiting } }],
      });
      const { message, hint } = await trouble("pods");
      expect(message).toBe("pod default/notes-2 cannot pull image example/notes:1: ErrImagePull: manifest unknown");
      expect(hint).toContain("push the image");
      await cluster.client.delete(resources.pods, { namespace: "default", name: "notes-2" }, { gracePeriodSeconds: 0 });
    });

    test("a pod that was killed for its memory, and one without a node", async () => {
      const lastState = { terminated: { reason: "OOMKilled", exitCode: 137 } };
      const container = { name: "notes", image: "x", imageID: "", ready: true, restartCount: 4, lastState };
      await createPod(cluster, "notes-3", { containerStatuses: [{ ...container, state: { running: {} } }] });
      expect(await trouble("pods")).toMatchObject({
        message: "pod default/notes-3 was killed for its memory 4 times",
        hint: expect.stringContaining("spec.resources.limits.memory"),
      });
      const unscheduled = { type: "PodScheduled", status: "False", message: "0/1 nodes have enough cpu" };
      await cluster.set(resources.pods, "default", "notes-3", { containerStatuses: [], conditions: [unscheduled] });
      expect((await trouble("pods")).message).toBe("pod default/notes-3 has no node: 0/1 nodes have enough cpu");
      await cluster.client.delete(resources.pods, { namespace: "default", name: "notes-3" }, { gracePeriodSeconds: 0 });
    });

    test("a PlatformService that is not ready, by its reason", async () => {
      await playReady(cluster, "notes", {
        reason: "MigrationFailed",
        message: "Job notes-migrate-1 failed: no such table",
      });
      expect(await trouble("platform services")).toMatchObject({
        message: "default/notes: MigrationFailed: Job notes-migrate-1 failed: no such table",
        hint: "correct the migration and apply the new image, or plinth retry notes to try the same again",
      });
      await playReady(cluster, "notes");
    });

    test("a spec that nobody has looked at", async () => {
      await cluster.client.patch(
        platformServices,
        { namespace: "default", name: "notes" },
        { spec: { replicas: 3 } },
        { type: "merge" },
      );
      expect((await trouble("platform services")).message).toContain("the operator has not looked at its spec yet");
      await playReady(cluster, "notes");
    });

    test("a Secret of the wrong shape, and one that is missing", async () => {
      await createSecret(cluster, "plinth-auth", { "key-encryption-key": Buffer.alloc(16).toString("base64") });
      expect(await trouble("secrets")).toMatchObject({
        status: "failed",
        message: "Secret plinth/plinth-auth: key-encryption-key has 16 bytes in base64, not 32",
      });
      await createSecret(cluster, "plinth-auth", { "key-encryption-key": Buffer.alloc(32, 7).toString("base64") });
      await createSecret(cluster, "plinth-database", { url: "postgres://db/plinth" });
      expect((await trouble("secrets")).message).toContain("url is no postgres://USER:PASSWORD@HOST");
      await cluster.client.delete(resources.secrets, { namespace: "plinth", name: "plinth-database" });
      expect(await trouble("secrets")).toMatchObject({ status: "warning" });
      await createSecret(cluster, "plinth-database", { url: "postgres://plinth:owner-password@db:5432/plinth" });
    });

    test("a Gateway that is not programmed", async () => {
      const refused = { type: "Programmed", status: "False", reason: "Invalid", message: "port 443 is taken" };
      await cluster.set(gateways, "plinth", "plinth", { conditions: [refused] });
      expect((await trouble("gateway")).message).toBe(
        "Gateway plinth/plinth is not programmed: Invalid: port 443 is taken",
      );
      await cluster.set(gateways, "plinth", "plinth", { conditions: [{ ...refused, status: "True" }] });
    });

    test("an operator that does not lead, and one that is away", async () => {
      const lease = { namespace: "plinth", name: "plinth-operator" };
      const old = { spec: { renewTime: "2026-01-01T00:00:00.000000Z" } };
      const { spec } = await cluster.client.get(resources.leases, lease);
      await cluster.client.patch(resources.leases, lease, old, { type: "merge" });
      expect((await trouble("leader")).message).toMatch(
        /nobody leads: plinth-operator-1 renewed its Lease [0-9]+ s ago/,
      );
      await cluster.client.patch(resources.leases, lease, { spec }, { type: "merge" });
      await cluster.set(resources.deployments, "plinth", "plinth-operator", { availableReplicas: 0 });
      const away = await results();
      expect(away.find(({ name }) => name === "operator")).toMatchObject({
        status: "failed",
        message: "0 of 1 instances of plinth/plinth-operator are available",
      });
      expect(away.find(({ name }) => name === "leader")?.status).toBe("skipped");
      await cluster.set(resources.deployments, "plinth", "plinth-operator", { availableReplicas: 1 });
    });

    test("CRDs of another release", async () => {
      const name = "platformservices.plinth.dev";
      const before = await cluster.client.get(resources.customResourceDefinitions, { name });
      const older = structuredClone(before) as unknown as {
        spec: {
          versions: {
            schema: { openAPIV3Schema: { properties: { spec: { properties: Record<string, unknown> } } } };
          }[];
        };
      };
      delete older.spec.versions[0]?.schema.openAPIV3Schema.properties.spec.properties["paused"];
      await cluster.client.update(resources.customResourceDefinitions, older as never);
      const { message, hint } = await trouble("custom resources");
      expect(message).toBe(`${name} is older than this CLI: it lacks spec.paused`);
      expect(hint).toContain("helm upgrade");
      const { metadata } = await cluster.client.get(resources.customResourceDefinitions, { name });
      const restored = { ...before, metadata: { ...before.metadata, resourceVersion: metadata.resourceVersion } };
      await cluster.client.update(resources.customResourceDefinitions, restored as never);
    });
  });
});
