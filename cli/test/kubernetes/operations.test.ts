import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { resources } from "@plinth/kube";
import { platformServices } from "@plinth/operator";
import { whyNoApiServer } from "@plinth/testing/kube";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clusterLogs } from "../../src/commands/cluster-logs.ts";
import { clusterStatus } from "../../src/commands/cluster-status.ts";
import { diff } from "../../src/commands/diff.ts";
import { pause } from "../../src/commands/pause.ts";
import { retry } from "../../src/commands/retry.ts";
import { sysdump } from "../../src/commands/sysdump.ts";
import { captured } from "../captured.ts";
import { createPod, playInstallation, playReady, startTestCluster, type TestCluster } from "./test-cluster.ts";

const run = promisify(execFile);
const absent = whyNoApiServer();
const root = path.resolve(import.meta.dirname, "../../..");

describe.skipIf(absent)(`on Kubernetes${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let cluster: TestCluster;
  let folder: string;
  let at: { kubeconfig: string };
  const ref = { namespace: "default", name: "notes" };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "plinth-operations-"));
    cluster = await startTestCluster();
    await playInstallation(cluster);
    at = { kubeconfig: cluster.api.kubeconfig };
  });
  afterAll(async () => {
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const found = () => cluster.client.get(platformServices, ref);

  test("status shows PlatformServices, and its exit code whether all are ready", async () => {
    const { terminal, text } = captured();
    expect(await clusterStatus({ ...at, output: "text", allNamespaces: true }, terminal)).toBe(0);
    expect(text()).toBe(
      [
        "NAMESPACE  NAME   READY  REASON  INSTANCES  IMAGE",
        "default    notes  yes    Ready   2/2        example/notes:1",
        "",
      ].join("\n"),
    );
    await playReady(cluster, "notes", { reason: "StartingUp", message: "0 of 2 instances serve" });
    const not = captured();
    expect(await clusterStatus({ ...at, output: "json", allNamespaces: false }, not.terminal)).toBe(1);
    expect(JSON.parse(not.text())).toMatchObject([{ name: "notes", ready: false, reason: "StartingUp" }]);
    await playReady(cluster, "notes");
    expect(
      await clusterStatus({ ...at, namespace: "kube-system", output: "text", allNamespaces: false }, not.terminal),
    ).toBe(3);
  });

  test("retry gives the annotation a new value each time", async () => {
    expect(await retry("notes", at, captured().terminal)).toBe(0);
    const first = (await found()).metadata.annotations?.["plinth.dev/retry"];
    expect(Date.parse(first ?? "")).not.toBeNaN();
    await retry("notes", at, captured().terminal);
    expect((await found()).metadata.annotations?.["plinth.dev/retry"]).not.toBe(first);
  });

  test("pause and resume set spec.paused and nothing else", async () => {
    const { paused: _, ...before } = (await found()).spec;
    expect(await pause("notes", true, at, captured().terminal)).toBe(0);
    expect((await found()).spec).toEqual({ ...before, paused: true });
    expect(await pause("notes", false, at, captured().terminal)).toBe(0);
    expect((await found()).spec.paused).toBe(false);
  });

  test("a name that is not there, and a right that is missing, are told with what to do", async () => {
    await expect(retry("nodes", at, captured().terminal)).rejects.toThrow(
      "there is no PlatformService nodes in namespace default; there are notes; name another namespace with -n",
    );
    await expect(retry("notes", { kubeconfig: cluster.nobody }, captured().terminal)).rejects.toThrow(/cannot get/);
  });

  test("logs merges what all pods said by time", async () => {
    await createPod(cluster, "notes-b");
    const line = (second: number, msg: string) =>
      JSON.stringify({ level: "info", time: `2026-11-26T12:00:0${second}.000Z`, service: "notes", msg });
    cluster.logs.set("notes-1/notes", `${line(1, "one")}\n${line(3, "three")}\n`);
    cluster.logs.set("notes-b/notes", `${line(2, "two")}\nplain after two\n`);
    const { terminal, text } = captured();
    expect(
      await clusterLogs("notes", { ...at, follow: false, lines: 100, json: false, previous: false }, terminal),
    ).toBe(0);
    const lines = text().trimEnd().split("\n");
    expect(lines.map((each) => `${each.split(" | ")[0]?.trim()} ${each.split(" ").at(-1)}`)).toEqual([
      ...["notes-1 one", "notes-b two", "notes-b two", "notes-1 three"],
    ]);
  });

  describe("diff", () => {
    const file = () => path.join(folder, "notes.yaml");
    const manifest = (spec: string) =>
      writeFile(
        file(),
        `apiVersion: plinth.dev/v1alpha1\nkind: PlatformService\nmetadata: {name: notes, namespace: default}\nspec: ${spec}\n`,
      );

    test("says nothing of what is as it is, and shows a change with what the operator makes of it", async () => {
      const same =
        "{image: 'example/notes:1', replicas: 2, database: {schema: notes, migrations: {path: /app/migrations}}}";
      await manifest(same);
      const nothing = captured();
      expect(await diff({ ...at, file: [file()] }, nothing.terminal)).toBe(0);
      expect(nothing.text()).toBe("nothing would change\n");

      const { resourceVersion } = (await found()).metadata;
      await manifest(same.replace("notes:1", "notes:2").replace("replicas: 2", "replicas: 3"));
      const { terminal, text } = captured();
      expect(await diff({ ...at, file: [file()] }, terminal)).toBe(1);
      expect(text()).toMatch(
        /=== PlatformService default\/notes\n[^=]*-\s+image: example\/notes:1\n[^=]*\+\s+image: example\/notes:2/,
      );
      expect(text()).toMatch(/=== Deployment notes, by the operator\n[^=]*-\s+replicas: 2\n[^=]*\+\s+replicas: 3/);
      expect(text()).toContain("=== Job notes-migrate-HASH, by the operator");
      expect(text()).not.toContain("NetworkPolicy");
      expect((await found()).metadata.resourceVersion).toBe(resourceVersion);
    });

    test("what a manifest does not have any more goes, and a new one is all new", async () => {
      await manifest("{image: 'example/notes:1', replicas: 2}");
      const { terminal, text } = captured();
      expect(await diff({ ...at, file: [file()] }, terminal)).toBe(1);
      expect(text()).toMatch(/-\s+database:/);
      expect(text()).toContain("=== Secret notes-database, by the operator\n- ");
      await writeFile(
        file(),
        "apiVersion: plinth.dev/v1alpha1\nkind: PlatformService\nmetadata: {name: new}\nspec: {image: 'new:1'}\n",
      );
      const fresh = captured();
      expect(await diff({ ...at, file: [file()] }, fresh.terminal)).toBe(1);
      expect(fresh.text()).toMatch(/=== Deployment new, by the operator\n\+ /);
      await expect(cluster.client.get(platformServices, { namespace: "default", name: "new" })).rejects.toThrow(
        "not found",
      );
    });

    test("a bad manifest is told with its place before anything is asked", async () => {
      await manifest("{imag: x}");
      const { terminal, text } = captured();
      await expect(diff({ ...at, file: [file()] }, terminal)).rejects.toThrow("correct the manifest first");
      expect(text()).toMatch(/notes[.]yaml:4:\d+: spec.*did you mean image/);
    });
  });

  test("sysdump has everything, and none of the secrets that were planted everywhere", async () => {
    const planted = [
      "planted-one-1f",
      "planted-two-2f",
      "planted-three-3f",
      "planted-four-4f",
      "planted-five-5f",
      "planted-six-6f",
    ];
    const [inSecret = "", inEnv = "", inLog = "", inAnnotation = "", inEvent = "", unknown = ""] = planted;
    const base64 = Buffer.from(inSecret).toString("base64");
    await cluster.client.create(resources.secrets, {
      metadata: {
        namespace: "default",
        name: "notes-own",
        labels: { "plinth.dev/service": "notes" },
        annotations: { "kubectl.kubernetes.io/last-applied-configuration": `{"stringData":{"x":"${inAnnotation}"}}` },
      },
      data: { "api-key": base64, other: Buffer.from(inEvent).toString("base64") },
    });
    await cluster.client.patch(
      platformServices,
      ref,
      { spec: { env: [{ name: "SMTP_PASSWORD", value: inEnv }] } },
      { type: "merge" },
    );
    cluster.logs.set(
      "notes-1/notes",
      `got ${inSecret} and ${base64}\nconnects to postgres://notes:${inLog}@db/x\n{"password":"${unknown}"}\n`,
    );
    await cluster.client.create(resources.events, {
      metadata: { namespace: "default", name: "e1" },
      ...{ eventTime: "2026-11-26T12:00:00.000000Z", reportingController: "x", reportingInstance: "x", action: "Try" },
      ...{
        reason: "Tried",
        type: "Normal",
        note: `with ${inEvent}`,
        regarding: { kind: "Pod", namespace: "default", name: "notes-1" },
      },
    } as never);

    const file = path.join(folder, "dump.tar.gz");
    const { terminal, text } = captured();
    expect(await sysdump({ ...at, data: "none", output: file }, terminal)).toBe(0);
    expect(text()).toContain(`wrote ${file}`);
    const { stdout: names } = await run("tar", ["-tzf", file]);
    for (const name of [
      ...[
        "checks.yaml",
        "versions.yaml",
        "version.yaml",
        "platformservices.yaml",
        "gateways.yaml",
        "default/pods.yaml",
      ],
      ...["default/events.yaml", "default/secrets.yaml", "plinth/deployments.yaml", "plinth/leases.yaml"],
      "default/logs/notes-1-notes.log",
    ]) {
      expect(names.split("\n")).toContain(name);
    }
    const { stdout: all } = await run("tar", ["-xzOf", file], { maxBuffer: 64 * 1024 * 1024 });
    for (const secret of [...planted, base64, "owner-password", "admin-password-1"]) expect(all).not.toContain(secret);
    for (const kept of [
      "got REDACTED and REDACTED",
      "postgres://notes:REDACTED@db/x",
      "api-key: REDACTED",
      "SMTP_PASSWORD",
      "with REDACTED",
    ])
      expect(all).toContain(kept);
  });

  test("kubectl plinth is the same program, and means Kubernetes", async () => {
    const kubectl = path.join(
      process.env["PLINTH_KUBE_BIN"] ?? path.join(homedir(), ".cache", "plinth-cluster", "bin"),
      "kubectl",
    );
    // What npm links installs dependencies first when they changed, which is no business of a test.
    const plugin = `#!/bin/sh\nexec "${process.execPath}" "${path.join(root, "cli/src/kubectl-main.ts")}" "$@"\n`;
    await writeFile(path.join(folder, "kubectl-plinth"), plugin, { mode: 0o755 });
    const env = {
      ...process.env,
      PATH: `${folder}${path.delimiter}${process.env["PATH"]}`,
      KUBECONFIG: at.kubeconfig,
    };
    await playReady(cluster, "notes");
    const { stdout } = await run(kubectl, ["plinth", "status", "-A", "-o", "json"], { env });
    expect(JSON.parse(stdout)).toMatchObject([{ name: "notes", ready: expect.any(Boolean) }]);
    const { stdout: help } = await run(kubectl, ["plinth", "--help"], { env });
    expect(help).toContain("Usage: kubectl-plinth");
  });
});
