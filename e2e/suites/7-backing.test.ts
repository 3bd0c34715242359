import { randomBytes } from "node:crypto";
import { eventually } from "@plinth/testing";
import { type OtlpReceiver, startOtlpReceiver } from "@plinth/testing/otlp";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createPlinth } from "../../sdk/typescript/src/browser.ts";
import { type BackingServers, hostAddress, startBackingServers } from "../platform/backing-servers.ts";
import { curl, signIn } from "../platform/calls.ts";
import { ensurePlatform } from "../platform/ensure-platform.ts";
import { apply, kubectl, list } from "../platform/kubectl.ts";
import { administrator, gatewayUrl } from "../platform/platform.ts";
import { helmInstall, release } from "../platform/release.ts";

const target = inject("target");
const namespace = "backing";
const secrets = { "kafka.existingSecret": "e2e-kafka", "redis.existingSecret": "e2e-redis" };

/** They run beside the cluster: only the hermetic one has an address of this machine. */
describe.skipIf(!target.hermetic)("Kafka with SCRAM over TLS, and Redis with TLS, by Secrets", () => {
  let servers: BackingServers;
  let otlp: OtlpReceiver;

  beforeAll(async () => {
    await ensurePlatform(target);
    servers = await startBackingServers(namespace);
    otlp = await startOtlpReceiver(0, hostAddress);
    await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=240s");
    await kubectl("create", "namespace", namespace);
    const items = [
      ...servers.objects(namespace),
      secretOf("e2e-kafka", {
        brokers: `${servers.kafka.host}:${servers.kafka.port}`,
        username: servers.kafka.username,
        password: servers.kafka.password,
        "ca.crt": servers.ca,
        replication: "1",
        partitions: "3",
      }),
      secretOf("e2e-redis", {
        url: `rediss://:${servers.redis.password}@${servers.redis.host}:${servers.redis.port}`,
        "ca.crt": servers.ca,
      }),
    ];
    await apply(JSON.stringify({ apiVersion: "v1", kind: "List", items }));
    await helmInstall({ images: target.images, set: { ...secrets, "telemetry.otlpEndpoint": otlp.endpoint } });
    await allMoved(true);
  });
  afterAll(async () => {
    if (target.hermetic) await helmInstall({ images: target.images });
    await allMoved(false);
    await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=240s");
    await kubectl("delete", "secret", "-n", release.namespace, "e2e-kafka", "e2e-redis", "--ignore-not-found");
    await servers?.stop();
    otlp?.close();
  });

  test("what happens goes through Kafka into the audit log, and caches and limits are in Redis", async () => {
    const url = await gatewayUrl();
    const token = await signIn(url, await administrator());
    const email = `backing-${Date.now()}@plinth.localhost`;
    const created = await curl(`${url}/plinth.identity.v1.IdentityService/CreateUser`, { email }, token);
    expect(created.status, JSON.stringify(created.body)).toBe(200);
    await eventually(async () => {
      const found = await curl(`${url}/plinth.audit.v1.AuditService/ListEntries`, { pageSize: 50 }, token);
      expect(JSON.stringify(found.body)).toContain(created.body["id"]);
    }, 240_000);
    expect(await servers.topics()).toContain("plinth.identity.user.v1");
    expect(await servers.commands()).toBeGreaterThan(0);
  });

  test("one trace leads from the browser's client through the gateway and Kafka to the audit record", async () => {
    const plinth = createPlinth({ url: await gatewayUrl() });
    await plinth.session.signIn(await administrator());
    const traceId = randomBytes(16).toString("hex");
    const headers = { traceparent: `00-${traceId}-${randomBytes(8).toString("hex")}-01` };
    const { id } = await plinth.identity.createUser({ email: `trace-${Date.now()}@plinth.localhost` }, { headers });
    await eventually(async () => {
      const { entries } = await plinth.audit.listEntries({ filter: { resource: `users/${id}` } });
      expect(entries).toMatchObject([{ action: "plinth.identity.v1.UserCreated", traceId }]);
    }, 240_000);
    await eventually(() => {
      const steps = otlp.spans.filter((span) => span.traceId === traceId);
      expect(steps.map(({ service, name }) => `${service}: ${name}`)).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^gateway: /),
          "identity: plinth.identity.v1.IdentityService/CreateUser",
          expect.stringMatching(/^identity: .*INSERT/),
          "audit: process identity.user.v1",
        ]),
      );
      // Each step is told by the pod that it happened in.
      for (const { resource } of steps) expect(resource).toHaveProperty("k8s.pod.name");
    }, 240_000);
  });
});

const secretOf = (name: string, stringData: Record<string, string>): object => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: release.namespace },
  stringData,
});

/** Until every service runs with it, or without it, and none of the instances before is left. */
const allMoved = (toKafka: boolean): Promise<void> =>
  eventually(async () => {
    const services = await list("psvc", release.namespace);
    for (const { metadata, status } of services) {
      expect(status.observedGeneration, metadata.name).toBe(metadata.generation);
      const ready = status.conditions.find(({ type }: { type: string }) => type === "Ready");
      expect(ready, metadata.name).toMatchObject({ status: "True", reason: "Ready" });
    }
    const pods = await list("pods", release.namespace, "plinth.dev/component=server");
    for (const { metadata, spec } of pods) {
      const env = spec.containers[0].env as { name: string; value?: string }[];
      const driver = env.find(({ name }) => name === "PLINTH_CACHE_DRIVER")?.value;
      expect(driver === "redis", metadata.name).toBe(toKafka);
    }
  }, 600_000);
