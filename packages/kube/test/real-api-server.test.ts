import { readFile } from "node:fs/promises";
import { isFault } from "@plinth/kernel";
import { eventually } from "@plinth/testing";
import { type ApiServer, startApiServer, whyNoApiServer } from "@plinth/testing/kube";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import type { ApiClient } from "../src/api-client.ts";
import { loadClusterConfig } from "../src/cluster-config.ts";
import { createInformer, type Informer, type InformerOptions } from "../src/informer.ts";
import type { KubeObject, Resource } from "../src/resource.ts";
import { resources } from "../src/resources.ts";
import type { Transport } from "../src/transport.ts";
import { connect, type Note, notes, plainOptions } from "./test-client.ts";

const missing = whyNoApiServer();

interface PlatformService extends KubeObject {
  spec?: object;
}
const services: Resource<PlatformService> = {
  apiVersion: "plinth.dev/v1alpha1",
  kind: "PlatformService",
  plural: "platformservices",
  namespaced: true,
};

describe.skipIf(missing)(`on a real API server${missing ? ` (${missing})` : ""}`, () => {
  let server: ApiServer;
  let client: ApiClient;
  let transport: Transport;
  let namespace = "";
  let count = 0;

  beforeAll(async () => {
    server = await startApiServer();
    ({ client, transport } = connect(await loadClusterConfig({ kubeconfig: server.kubeconfig })));
  });
  afterAll(async () => {
    await transport?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    namespace = `test-${++count}`;
    await client.create(resources.namespaces, { metadata: { name: namespace } });
  });

  const create = (name: string, text = "x"): Promise<Note> =>
    client.create(notes, { metadata: { name, namespace }, data: { text } });
  const apply = (fieldManager: string, data: Record<string, string>, force = false): Promise<Note> =>
    client.apply(notes, { metadata: { name: "a", namespace }, data }, { fieldManager, force });

  async function follow(options: Partial<InformerOptions<Note>> = {}): Promise<Informer<Note>> {
    const backoff = { initialMs: 20, maxMs: 200 };
    const informer = createInformer({ client, resource: notes, ...plainOptions, namespace, backoff, ...options });
    await informer.start?.();
    onTestFinished(() => informer.stop?.(AbortSignal.timeout(1_000)));
    await informer.synced;
    return informer;
  }
  const texts = (informer: Informer<Note>): (string | undefined)[] =>
    [...informer.cache.values()].map((object) => object.data?.["text"]);

  test("what is made can be read, replaced, patched and deleted", async () => {
    const made = await create("a", "1");
    expect(await client.get(notes, { name: "a", namespace })).toEqual(made);
    const replaced = await client.update(notes, { ...made, data: { text: "2" } });
    const patched = await client.patch(notes, replaced.metadata, { data: { more: "3" } }, { type: "merge" });
    expect(patched.data).toEqual({ text: "2", more: "3" });
    await expect(client.update(notes, { ...made, data: {} })).rejects.toMatchObject({ reason: "CONFLICT" });
    expect(await client.delete(notes, { name: "a", namespace })).toBe(true);
    expect(await client.delete(notes, { name: "a", namespace })).toBe(false);
    expect(await client.find(notes, { name: "a", namespace })).toBeUndefined();
  });

  test("an apply that may only make an object leaves alone what is there", async () => {
    const make = (data: Record<string, string>): Promise<Note> =>
      client.apply(
        notes,
        { metadata: { name: "once", namespace }, data },
        { fieldManager: "plinth", force: true, createOnly: true },
      );
    expect((await make({ text: "1" })).data).toEqual({ text: "1" });
    const exists = { code: "already_exists", reason: "ALREADY_EXISTS" };
    await expect(make({ text: "2" })).rejects.toMatchObject(exists);
    const ref = { namespace, name: "once" };
    expect((await client.get(notes, ref)).data).toEqual({ text: "1" });
    // Whoever made it: also what states no field that the draft states.
    await client.delete(notes, ref);
    await client.create(notes, { metadata: { name: "once", namespace } }, { fieldManager: "somebody" });
    await expect(make({ text: "2" })).rejects.toMatchObject(exists);
    expect((await client.get(notes, ref)).data).toBeUndefined();
  });

  test("the same apply twice writes once", async () => {
    const first = await apply("plinth", { text: "1" });
    const second = await apply("plinth", { text: "1" });
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    const changed = await apply("plinth", { other: "2" });
    expect(changed.data).toEqual({ other: "2" });
  });

  test("a field of somebody else is a conflict that names him and the field, and force takes it over", async () => {
    await apply("kubectl", { text: "theirs" });
    const conflict = {
      code: "aborted",
      reason: "CONFLICT",
      details: { status: "409", managers: "kubectl", fields: ".data.text" },
    };
    await expect(apply("plinth", { text: "ours" })).rejects.toMatchObject(conflict);
    expect((await apply("plinth", { text: "ours" }, true)).data).toEqual({ text: "ours" });
  });

  test("a field that the kind does not have is refused", async () => {
    const typo = { metadata: { name: "a", namespace }, dta: {} };
    await expect(client.create(notes, typo)).rejects.toMatchObject({ message: expect.stringContaining('"dta"') });
  });

  test("a delete with the uid or version of a predecessor deletes nothing", async () => {
    const first = await create("a");
    await client.delete(notes, first.metadata);
    const second = await create("a");
    const ref = { name: "a", namespace };
    await expect(client.delete(notes, ref, { uid: first.metadata.uid })).rejects.toMatchObject({ reason: "CONFLICT" });
    const { resourceVersion } = first.metadata;
    await expect(client.delete(notes, ref, { resourceVersion })).rejects.toMatchObject({ reason: "CONFLICT" });
    expect((await client.get(notes, ref)).metadata.uid).toBe(second.metadata.uid);
    expect(await client.delete(notes, ref, { uid: second.metadata.uid })).toBe(true);
  });

  test("somebody without a role is told what he may not do", async () => {
    const cluster = await loadClusterConfig({ kubeconfig: server.kubeconfig });
    const headers = { authorization: `Bearer ${server.nobodyToken}` };
    const credentials = async () => ({ headers, tls: { ca: server.ca } });
    const nobody = connect({ ...cluster, credentials });
    onTestFinished(() => nobody.transport.close());
    const message = expect.stringContaining('User "nobody" cannot list resource "configmaps"');
    await expect(nobody.client.list(notes, { namespace })).rejects.toMatchObject({
      code: "permission_denied",
      message,
    });
  });

  test("2000 objects come in pages of one snapshot, and an informer holds them all", async () => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, lane) => {
        for (let i = 0; i < 100; i++) await create(`note-${lane}-${i}`);
      }),
    );
    const pages = [];
    let continueToken: string | undefined;
    do {
      const page = await client.list(notes, { namespace, limit: 500, continueToken });
      pages.push(page);
      continueToken = page.continueToken;
    } while (continueToken);
    expect(pages.map((page) => page.items.length)).toEqual([500, 500, 500, 500]);
    expect(new Set(pages.map((page) => page.resourceVersion)).size).toBe(1);
    expect((await follow()).cache.size).toBe(2000);
    expect((await follow({ pageSize: 7, fieldSelector: "metadata.name=note-3-3" })).cache.size).toBe(1);
  });

  test("an informer follows what happens, and its metadata-only sibling sees no data", async () => {
    const [full, slim] = [await follow(), await follow({ metadataOnly: true })];
    const made = await create("a", "1");
    await eventually(() => expect(texts(full)).toEqual(["1"]));
    await eventually(() => expect(slim.cache.get(`${namespace}/a`)?.metadata.uid).toBe(made.metadata.uid));
    expect(slim.cache.get(`${namespace}/a`)).not.toHaveProperty("data");
    expect(slim.cache.get(`${namespace}/a`)?.kind).toBe("ConfigMap");
    await client.delete(notes, made.metadata);
    await eventually(() => expect([full.cache.size, slim.cache.size]).toEqual([0, 0]));
  });

  test("the CRD of the chart is accepted, and what it refuses it refuses with its own words", async () => {
    const text = await readFile(
      new URL("../../../charts/plinth/crds/plinth.dev_platformservices.yaml", import.meta.url),
      "utf8",
    );
    await client.apply(resources.customResourceDefinitions, parse(text), { fieldManager: "plinth" });
    await eventually(async () => expect(await client.serves(services)).toBe(true));
    const draft = (spec: object) => ({ metadata: { name: "notes", namespace }, spec });
    await eventually(() => client.create(services, draft({ image: "notes:1" }), { dryRun: true }));
    const both = draft({ image: "notes:1", replicas: 2, autoscaling: { min: 1, max: 2 } });
    await expect(client.create(services, both)).rejects.toMatchObject({
      reason: "INVALID",
      message: expect.stringMatching(/replicas.*autoscaling|autoscaling.*replicas/),
    });
  });

  test("an informer goes on where it was after the API server was away", async () => {
    const informer = await follow();
    const told: string[] = [];
    informer.subscribe(({ type, object }) => void told.push(`${type} ${object.metadata.name}`));
    await create("before");
    await eventually(() => expect(informer.cache.size).toBe(1));
    await server.stopApi();
    await eventually(() => expect(informer.status().lastError).toContain("cannot be reached"));
    expect(informer.cache.size).toBe(1);
    await server.startApi();
    await create("after");
    await eventually(() => expect(informer.cache.size).toBe(2));
    expect(told).toEqual(["added before", "added after"]);
  });

  test("an informer whose version was compacted away lists anew and misses nothing", async () => {
    const lists: string[] = [];
    const counting: ApiClient = {
      ...client,
      list: (resource, options) => {
        lists.push(resource.plural);
        return client.list(resource, options);
      },
    };
    const informer = await follow({ client: counting });
    await create("kept");
    await create("gone");
    await eventually(() => expect(informer.cache.size).toBe(2));
    expect(lists).toHaveLength(1);
    await server.stopApi();
    await eventually(() => expect(informer.status().lastError).toContain("cannot be reached"));
    // What happens while the informer is cut off, and is forgotten before it comes back.
    const blind = connect(await loadClusterConfig({ kubeconfig: server.kubeconfig }));
    onTestFinished(() => blind.transport.close());
    const paused = Promise.withResolvers<void>();
    const { watch } = counting;
    counting.watch = async function* (resource, options) {
      await paused.promise;
      yield* watch(resource, options);
    };
    await server.startApi();
    await blind.client.delete(notes, { name: "gone", namespace });
    await create("made");
    await server.compactHistory();
    await server.stopApi();
    await server.startApi();
    paused.resolve();
    await eventually(() =>
      expect([...informer.cache.keys()].sort()).toEqual([`${namespace}/kept`, `${namespace}/made`]),
    );
    expect(lists.length).toBeGreaterThan(1);
  });

  test("a watch from a compacted version is refused as expired", async () => {
    const made = await create("a");
    await client.update(notes, { ...made, data: { text: "2" } });
    await server.compactHistory();
    await server.stopApi();
    await server.startApi();
    const options = {
      namespace,
      resourceVersion: made.metadata.resourceVersion ?? "",
      timeoutMs: 60_000,
      idleMs: 60_000,
    };
    const reading = (async () => {
      for await (const _ of client.watch(notes, options));
    })();
    await expect(reading).rejects.toSatisfy((err) => isFault(err) && err.details["status"] === "410");
  });
});
