import { readFileSync } from "node:fs";
import path from "node:path";
import { eventually } from "@plinth/testing";
import { beforeAll, expect, inject, test } from "vitest";
import { root } from "../../tools/run.ts";
import { curl, signIn } from "../platform/calls.ts";
import { apply, type ClusterObject, kubectl, list, wait } from "../platform/kubectl.ts";
import { administrator, gatewayUrl } from "../platform/platform.ts";
import { helm, helmInstall, release, removeEverything } from "../platform/release.ts";
import { startTraffic } from "../platform/traffic.ts";
import { installIstio, sidecarCounters } from "./install-istio.ts";

const { namespace } = release;
/** Where a user's service is. */
const team = "team";
const notes = readFileSync(path.join(root, "examples/notes/platformservice.yaml"), "utf8");

/** The manifests that the page on meshes gives for Istio. */
function documentedManifests(): string {
  const page = readFileSync(path.join(root, "docs/how-to/use-a-service-mesh.md"), "utf8");
  const istio = page.split("\n## ").find((section) => section.startsWith("Istio\n")) ?? "";
  return [...istio.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block]) => block).join("---\n");
}

let url: string;
let token: string;

beforeAll(async () => {
  await removeEverything();
  await installIstio();
  for (const name of [namespace, team]) {
    await kubectl("create", "namespace", name);
    await kubectl("label", "namespace", name, "istio-injection=enabled");
  }
  await apply(documentedManifests());
  await helmInstall({ images: inject("target").images, set: { "discovery.mode": "service" } });
  url = await gatewayUrl();
  token = await signIn(url, await administrator());
});

const running = async (of: string): Promise<ClusterObject[]> =>
  (await list("pods", of)).filter(({ status }) => status.phase === "Running");

const podOf = async (service: string, of = namespace): Promise<ClusterObject> => {
  const [pod] = (await running(of)).filter(({ metadata }) => metadata.labels?.["plinth.dev/service"] === service);
  if (pod === undefined) throw new Error(`no pod of ${service} runs`);
  return pod;
};

const call = (method: string, message: object) => curl(`${url}/notes.v1.NotesService/${method}`, message, token);

test("every pod of the platform has a sidecar, and what runs once has come to its end beside one", async () => {
  for (const { metadata, spec } of await running(namespace)) {
    const names = (spec.initContainers ?? []).map(({ name }: { name: string }) => name);
    expect(names, metadata.name).toContain("istio-proxy");
  }
  for (const job of await list("jobs", namespace)) expect(job.status.succeeded, job.metadata.name).toBe(1);
});

test("`helm test` passes", async () => {
  const { code, stdout, stderr } = await helm("test", release.name, "-n", namespace, "--logs", "--timeout", "180s");
  expect(code, `${stdout}${stderr}`).toBe(0);
});

test("a service answers nobody who comes without the mesh's TLS", async () => {
  const address = (await podOf("authz")).status.podIP as string;
  await expect(fetch(`http://${address}:8080/healthz`)).rejects.toThrow();
});

test("a user's service is Ready, and is called through the gateway", async () => {
  await apply(notes, "-n", team);
  await wait("psvc/notes", "condition=Ready", team);
  const created = await eventually(async () => {
    const answer = await call("CreateNote", { title: "First", text: "" });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body;
  }, 60_000);
  expect(await call("GetNote", { id: created["id"] })).toMatchObject({ status: 200, body: { title: "First" } });
});

test("the sidecars carry these calls by the names of Services, over mutual TLS", async () => {
  const carried: [from: string, of: string, to: string][] = [
    ["gateway", namespace, `8080__auth.${namespace}`],
    ["gateway", namespace, `8080__notes.${team}`],
    ["notes", team, `8080__authz.${namespace}`],
  ];
  for (const [from, of, to] of carried) {
    const cluster = `outbound_${to}.svc.cluster.local`;
    const pod = await podOf(from, of);
    const counters = await sidecarCounters(pod.metadata.name, of, "cluster.outbound");
    const sum = (what: string) =>
      [...counters].reduce((all, [name, value]) => {
        const plain = name.replaceAll("|", "_");
        return plain.includes(cluster) && plain.endsWith(what) ? all + value : all;
      }, 0);
    expect(sum(".upstream_rq_total"), `requests from ${from} to ${to}`).toBeGreaterThan(0);
    expect(sum(".ssl.handshake"), `TLS from ${from} to ${to}`).toBeGreaterThan(0);
  }
});

test("pods are replaced under traffic, and no request fails", async () => {
  const traffic = startTraffic({
    async call() {
      const { status, body } = await call("ListNotes", {});
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    },
    pauseMs: 50,
  });
  const before = (await podOf("notes", team)).metadata.name;
  await kubectl(
    "patch",
    "psvc",
    "notes",
    "-n",
    team,
    "--type=merge",
    "-p",
    '{"spec":{"env":[{"name":"ROUND","value":"2"}]}}',
  );
  await eventually(async () => {
    const pods = (await list("pods", team)).filter(
      ({ metadata }) => metadata.labels?.["plinth.dev/service"] === "notes",
    );
    expect(pods.map(({ metadata }) => metadata.name)).not.toContain(before);
  }, 180_000);
  const { sent, failed } = await traffic.stop();
  expect(sent).toBeGreaterThan(10);
  expect(failed).toEqual([]);
});

test("what was done is in the audit log", async () => {
  await eventually(async () => {
    const filter = { action: "notes.v1.NoteCreated" };
    const { body } = await curl(`${url}/plinth.audit.v1.AuditService/ListEntries`, { filter }, token);
    expect(body["entries"]).toEqual([expect.objectContaining({ action: "notes.v1.NoteCreated" })]);
  }, 60_000);
});
