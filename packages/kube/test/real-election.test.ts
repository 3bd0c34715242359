import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { eventually } from "@plinth/testing";
import { type ApiServer, startApiServer, whyNoApiServer } from "@plinth/testing/kube";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { ApiClient } from "../src/api-client.ts";
import { loadClusterConfig } from "../src/cluster-config.ts";
import { createEventRecorder } from "../src/events.ts";
import { resources } from "../src/resources.ts";
import type { Transport } from "../src/transport.ts";
import { connect, plainOptions } from "./test-client.ts";

const missing = whyNoApiServer();
const candidateFile = fileURLToPath(new URL("./fixtures/candidate.ts", import.meta.url));

describe.skipIf(missing)(`elections and events on a real API server${missing ? ` (${missing})` : ""}`, () => {
  let server: ApiServer;
  let client: ApiClient;
  let transport: Transport;

  beforeAll(async () => {
    server = await startApiServer();
    ({ client, transport } = connect(await loadClusterConfig({ kubeconfig: server.kubeconfig })));
  });
  afterAll(async () => {
    await transport?.close();
    await server?.stop();
  });

  interface Candidate {
    child: ChildProcess;
    said(): string;
  }
  function startCandidate(namespace: string, identity: string): Candidate {
    const args = [candidateFile, server.kubeconfig, namespace, identity];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    return { child, said: () => output };
  }

  test("of two processes one leads; when it is killed the other follows, and a stopped one hands over", async () => {
    const namespace = "election";
    await client.create(resources.namespaces, { metadata: { name: namespace } });
    const first = startCandidate(namespace, "first");
    await eventually(() => expect(first.said()).toBe("leading 1\n"));
    const second = startCandidate(namespace, "second");
    const lease = () => client.get(resources.leases, { namespace, name: "operator" });
    const renewals = new Set<string | undefined>();
    // For longer than the lease lasts.
    await eventually(async () => expect(renewals.add((await lease()).spec?.renewTime).size).toBeGreaterThan(9), 60_000);
    expect([first.said(), second.said()]).toEqual(["leading 1\n", ""]);
    expect((await lease()).spec?.holderIdentity).toMatch(/^first_/);

    first.child.kill("SIGKILL");
    await eventually(() => expect(second.said()).toBe("leading 2\n"), 60_000);
    const third = startCandidate(namespace, "third");
    second.child.kill("SIGTERM");
    await eventually(() => expect(second.said()).toBe("leading 2\nstopped\n"));
    await eventually(() => expect(third.said()).toBe("leading 3\n"));
    expect((await lease()).spec).toMatchObject({
      leaseTransitions: 3,
      holderIdentity: expect.stringMatching(/^third_/),
    });
  });

  test("an event is accepted as it is, counted and found at its object", async () => {
    const { metadata } = await client.create(resources.configMaps, { metadata: { name: "a", namespace: "default" } });
    const names = { controller: "plinth.dev/operator", instance: "operator-0" };
    const recorder = createEventRecorder({ client, ...plainOptions, ...names });
    const draft = {
      type: "Warning",
      reason: "MigrationFailed",
      action: "Migrate",
      note: "0002 failed: no such table",
    } as const;
    const regarding = { apiVersion: "v1", kind: "ConfigMap", metadata };
    const seen = async () => (await client.list(resources.events, { namespace: "default" })).items;
    recorder.record(regarding, draft);
    await eventually(async () => expect(await seen()).toHaveLength(1));
    recorder.record(regarding, draft);
    await eventually(async () => expect((await seen())[0]?.series?.count).toBe(2));
    expect((await seen())[0]).toMatchObject({
      ...draft,
      regarding: { kind: "ConfigMap", name: "a", uid: metadata.uid },
    });
  });
});
