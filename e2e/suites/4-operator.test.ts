import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ensurePlatform } from "../platform/ensure-platform.ts";
import { apply, type ClusterObject, get, kubectl, list, wait } from "../platform/kubectl.ts";
import { helmInstall, release } from "../platform/release.ts";

const target = inject("target");
const namespace = "team";
const name = "notes";
/** Everything that the operator keeps for a service, Jobs apart: they come and go. */
const kinds = [
  ...["deployment", "service", "serviceaccount", "networkpolicy", "poddisruptionbudget", "configmap", "secret"],
  ...["httproute", "routepolicy"],
];

const manifest = `
apiVersion: plinth.dev/v1alpha1
kind: PlatformService
metadata: {name: ${name}}
spec:
  image: plinth/notes:0.1.0
  replicas: 1
  database: {schema: notes_faults, migrations: {path: /app/migrations}}
  events: {publishes: [notes.note.v1], consumes: [notes.note.v1]}
  route:
    rules: [{path: /notes.v1.NotesService/, authentication: Required, rateLimit: {requests: 20, per: 1s, key: Principal}}]
`;

beforeAll(async () => {
  await ensurePlatform(target);
  await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=240s");
  await kubectl("create", "namespace", namespace);
  await apply(manifest, "-n", namespace);
  await wait(`psvc/${name}`, "condition=Ready", namespace);
});
afterAll(async () => {
  await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=240s");
});

const children = async (): Promise<ClusterObject[]> =>
  (await Promise.all(kinds.map((kind) => list(kind, namespace, `plinth.dev/service=${name}`)))).flat();

/** New Secrets hold new passwords, and pods are made from them. */
const remade = ["Secret", "Deployment"];

/** What the operator asked for, without what the cluster adds: kind, name, and the hash of what was applied. */
const asked = async (): Promise<Record<string, string | undefined>> =>
  Object.fromEntries(
    (await children()).map(({ kind, metadata }) => [
      `${kind}/${metadata.name}`,
      remade.includes(kind) ? "" : metadata.annotations?.["plinth.dev/applied"],
    ]),
  );

/** Of each object, its specification or data. */
const specified = async (): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    (await children()).map(({ kind, metadata, spec, data }) => [`${kind}/${metadata.name}`, spec ?? data]),
  );

const revision = async (): Promise<unknown> => (await get("deployment", name, namespace))?.spec.template;

describe("what the operator keeps", () => {
  test("comes back when it is deleted by hand", async () => {
    const before = await asked();
    expect(Object.keys(before).length).toBeGreaterThanOrEqual(kinds.length);
    for (const [object, kept] of Object.entries(before)) {
      if (kept !== undefined) await kubectl("delete", object, "-n", namespace, "--wait=false");
    }
    await eventually(async () => expect(await asked()).toEqual(before), 240_000);
    await wait(`psvc/${name}`, "condition=Ready", namespace);
  });

  test("is put back when it is edited by hand", async () => {
    const before = await specified();
    await kubectl("scale", `deployment/${name}`, "--replicas=3", "-n", namespace);
    await kubectl(
      "patch",
      `service/${name}`,
      "-n",
      namespace,
      "--type=merge",
      "-p",
      '{"spec":{"selector":{"plinth.dev/service":"other"}}}',
    );
    await kubectl(
      "patch",
      `httproute/${name}`,
      "-n",
      namespace,
      "--type=json",
      "-p",
      '[{"op":"replace","path":"/spec/rules/0/matches/0/path/value","value":"/other/"}]',
    );
    await kubectl(
      "patch",
      `networkpolicy/${name}`,
      "-n",
      namespace,
      "--type=json",
      "-p",
      '[{"op":"remove","path":"/spec/ingress"}]',
    );
    await eventually(async () => expect(await specified()).toEqual(before), 240_000);
  });

  test("is the same after the operator was killed in the middle of a change", async () => {
    for (const replicas of [2, 1]) {
      await kubectl(
        "patch",
        `psvc/${name}`,
        "-n",
        namespace,
        "--type=merge",
        "-p",
        JSON.stringify({ spec: { replicas } }),
      );
      // SIGKILL, without a grace period: whoever leads dies wherever it is.
      await kubectl(
        "delete",
        "pods",
        "-n",
        release.namespace,
        "-l",
        "app.kubernetes.io/name=plinth-operator",
        "--grace-period=0",
        "--force",
      );
      await eventually(async () => {
        const service = await get("psvc", name, namespace);
        expect(service?.status.observedGeneration).toBe(service?.metadata.generation);
        expect((await get("deployment", name, namespace))?.spec.replicas).toBe(replicas);
      }, 240_000);
    }
    await wait(`psvc/${name}`, "condition=Ready", namespace);
    await wait("deployment/plinth-operator", "condition=Available", release.namespace);
  });

  test("keeps its pods when the operator is upgraded", async () => {
    const before = await revision();
    const pods = async (): Promise<string[]> =>
      (await list("pods", namespace, "plinth.dev/component=server")).map(({ metadata }) => metadata.uid).sort();
    // Until the one that the test before took away is gone.
    const running = await eventually(async () => {
      const found = await pods();
      expect(found).toHaveLength(1);
      return found;
    }, 240_000);
    await helmInstall({ images: target.images, set: { "operator.podAnnotations.upgraded": "again" } });
    await eventually(async () => {
      const lease = await get("lease", "plinth-operator", release.namespace);
      const operators = await list("pods", release.namespace, "app.kubernetes.io/name=plinth-operator");
      const upgraded = operators.filter(({ metadata }) => metadata.annotations?.["upgraded"]);
      // The holder is the pod's name and a part that tells its processes apart.
      expect(upgraded.map(({ metadata }) => metadata.name)).toContain(lease?.spec.holderIdentity.split("_")[0]);
    }, 240_000);
    // The new one has reconciled it when it has answered to a change that concerns no pod.
    await kubectl(
      "patch",
      `psvc/${name}`,
      "-n",
      namespace,
      "--type=merge",
      "-p",
      '{"spec":{"networkPolicy":{"mode":"Open"}}}',
    );
    await eventually(async () => expect(await list("networkpolicy", namespace)).toEqual([]), 120_000);
    expect(await revision()).toEqual(before);
    expect(await pods()).toEqual(running);
  });
});
