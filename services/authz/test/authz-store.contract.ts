import { describe, expect, test } from "vitest";
import type { AuthzEvent } from "../src/events/authz-event.ts";
import type { AuthzStore, Change } from "../src/store/authz-store.ts";
import { relationship, texts } from "./relationships.ts";

const everything = { objectType: undefined, objectId: undefined, relation: undefined, subject: undefined };
const origin = { actor: "user:ann", requestId: "r1", traceparent: undefined };

export interface StoreFixture {
  store: AuthzStore;
  /** Kinds of the events that committed changes published. */
  publishedKinds(): Promise<string[]>;
}

/** The duties of an AuthzStore, run on every implementation. `open` gives an empty store. */
export function authzStoreContract(name: string, open: () => Promise<StoreFixture>): void {
  const insert = (store: AuthzStore, ...keys: string[]) =>
    store.change("shared", (change) => change.insert(keys.map((key) => relationship(key))));
  const listAll = async (store: AuthzStore) =>
    texts(await store.read(undefined, (snapshot) => snapshot.list(everything, undefined, 1_000)));

  describe(`authz store: ${name}`, () => {
    test("insert returns what is new, remove and find what exists", async () => {
      const { store } = await open();
      expect(texts(await insert(store, "doc:1#viewer@user:b", "doc:1#viewer@user:a"))).toHaveLength(2);
      expect(texts(await insert(store, "doc:1#viewer@user:b", "doc:2#viewer@user:b"))).toEqual(["doc:2#viewer@user:b"]);
      const gone = [relationship("doc:1#viewer@user:a"), relationship("doc:9#viewer@user:a")];
      expect(texts(await store.change("shared", (change) => change.find(gone)))).toEqual(["doc:1#viewer@user:a"]);
      expect(texts(await store.change("shared", (change) => change.remove(gone)))).toEqual(["doc:1#viewer@user:a"]);
      expect(await listAll(store)).toEqual(["doc:1#viewer@user:b", "doc:2#viewer@user:b"]);
    });

    test("an existing relationship keeps its condition", async () => {
      const { store } = await open();
      const limited = relationship("doc:1#viewer@user:a", {
        name: "hours",
        context: { from: 8, deep: { list: [1, "x"] } },
      });
      await store.change("shared", (change) => change.insert([limited]));
      await insert(store, "doc:1#viewer@user:a");
      expect(await store.read(undefined, (snapshot) => snapshot.list(everything, undefined, 10))).toEqual([limited]);
    });

    test("work that throws leaves no trace and publishes nothing", async () => {
      const { store, publishedKinds } = await open();
      const event: AuthzEvent = {
        ...{ kind: "module changed", module: "m", modelVersion: "1", previousDsl: undefined, dsl: "type a" },
      };
      const failing = store.change("shared", async (change) => {
        await change.insert([relationship("doc:1#viewer@user:a")]);
        await change.putModule({ name: "m", dsl: "type a" });
        await change.publish(event, origin);
        throw new Error("no");
      });
      await expect(failing).rejects.toThrow("no");
      expect(await listAll(store)).toEqual([]);
      expect(await store.read(undefined, (snapshot) => snapshot.modules())).toEqual([]);
      expect(await publishedKinds()).toEqual([]);
      await store.change("shared", (change) => change.publish(event, origin));
      expect(await publishedKinds()).toEqual(["module changed"]);
    });

    test("lists in byte order and goes on after a relationship, also one that is gone", async () => {
      const { store } = await open();
      const keys = [
        "doc:1#viewer@group:x#member",
        "doc:10#viewer@user:a",
        "doc:2#viewer@user:*",
        "doc:Z#a@user:é",
        "doc:é#a@user:a",
      ];
      await insert(store, ...keys.toReversed());
      expect(await listAll(store)).toEqual(keys);
      const after = relationship("doc:10#viewer@user:b");
      const rest = await store.read(undefined, (snapshot) => snapshot.list(everything, after, 2));
      expect(texts(rest)).toEqual(keys.slice(2, 4));
    });

    test.each([
      [{ objectType: "doc" }, ["doc:1#editor@user:a", "doc:1#viewer@group:x#member", "doc:2#viewer@user:a"]],
      [{ objectType: "doc", objectId: "1" }, ["doc:1#editor@user:a", "doc:1#viewer@group:x#member"]],
      [{ relation: "viewer" }, ["doc:1#viewer@group:x#member", "doc:2#viewer@user:a"]],
      [
        { subject: { type: "user", id: "a", relation: undefined } },
        ["doc:1#editor@user:a", "doc:2#viewer@user:a", "group:x#member@user:a"],
      ],
      [{ subject: { type: "group", id: "x", relation: "member" } }, ["doc:1#viewer@group:x#member"]],
      [{ subject: { type: "group", id: "x", relation: undefined } }, []],
    ])("lists by filter %j", async (filter, expected) => {
      const { store } = await open();
      await insert(
        store,
        "doc:1#editor@user:a",
        "doc:1#viewer@group:x#member",
        "doc:2#viewer@user:a",
        "group:x#member@user:a",
      );
      const found = await store.read(undefined, (snapshot) =>
        snapshot.list({ ...everything, ...filter }, undefined, 10),
      );
      expect(texts(found)).toEqual(expected);
    });

    test("a reader returns at least what is asked for", async () => {
      const { store } = await open();
      const all = ["doc:1#viewer@group:x#member", "doc:1#viewer@user:*", "doc:1#viewer@user:a", "doc:1#viewer@user:b"];
      await insert(store, ...all, "doc:2#viewer@user:a", "doc:1#parent@folder:f");
      const base = { object: { type: "doc", id: "1" }, subject: undefined, usersets: false, objects: false };
      const ann = { type: "user", id: "a", relation: undefined };
      const [named, sets, parents] = await store.read(undefined, (snapshot) =>
        Promise.all([
          snapshot.reader().read([{ ...base, relation: "viewer", subject: ann }]),
          snapshot.reader().read([{ ...base, relation: "viewer", usersets: true }]),
          snapshot.reader().read([{ ...base, relation: "parent", objects: true }]),
        ]),
      );
      expect(texts(named ?? [])).toEqual(expect.arrayContaining(["doc:1#viewer@user:*", "doc:1#viewer@user:a"]));
      expect(texts(sets ?? [])).toContain("doc:1#viewer@group:x#member");
      expect(texts(parents ?? [])).toEqual(["doc:1#parent@folder:f"]);
    });

    test("a snapshot does not move while others change", async () => {
      const { store } = await open();
      await insert(store, "doc:1#viewer@user:a");
      const [before, after] = await store.read(undefined, async (snapshot) => {
        const first = await snapshot.list(everything, undefined, 10);
        await store.change("shared", (change) => change.remove(first));
        await store.change("exclusive", (change) => change.putModule({ name: "m", dsl: "type a" }));
        expect(await snapshot.modules()).toEqual([]);
        return [first, await snapshot.list(everything, undefined, 10)];
      });
      expect(after).toEqual(before);
      expect(await listAll(store)).toEqual([]);
    });

    test("a module is replaced by its name and moves the revision", async () => {
      const { store } = await open();
      const revision = () => store.read(undefined, async (snapshot) => snapshot.revision);
      const first = await revision();
      await store.change("exclusive", (change) => change.putModule({ name: "m", dsl: "type a" }));
      const second = await revision();
      await store.change("exclusive", (change) => change.putModule({ name: "m", dsl: "type b" }));
      const modules = await store.read(undefined, (snapshot) => snapshot.modules());
      expect(modules.map(({ name, dsl }) => [name, dsl])).toEqual([["m", "type b"]]);
      expect(new Set([first, second, await revision()]).size).toBe(3);
    });

    test("uses are counted on both sides", async () => {
      const { store } = await open();
      await insert(store, "doc:1#viewer@group:x#member", "group:x#member@user:a", "group:x#owner@user:a");
      const hours = relationship("doc:1#viewer@user:a", { name: "hours", context: {} });
      await store.change("shared", (change) => change.insert([hours]));
      const count = (usage: Parameters<Change["countUses"]>[0]) =>
        store.change("shared", (change) => change.countUses(usage));
      expect(await count({ kind: "type", type: "group" })).toBe(3);
      expect(await count({ kind: "relation", type: "group", relation: "member" })).toBe(2);
      expect(await count({ kind: "relation", type: "doc", relation: "member" })).toBe(0);
      expect(await count({ kind: "condition", condition: "hours" })).toBe(1);
    });

    test("a token reads its own write; a token of a state that never was is refused", async () => {
      const { store } = await open();
      const token = await store.change("shared", async (change) => {
        await change.insert([relationship("doc:1#viewer@user:a")]);
        return change.token;
      });
      expect(texts(await store.read(token, (snapshot) => snapshot.list(everything, undefined, 10)))).toHaveLength(1);
      const future = { ...token, transaction: token.transaction + 1_000_000n };
      const foreign = { ...token, store: "ffffffffffffffff" };
      for (const unknown of [future, foreign])
        await expect(store.read(unknown, async () => {})).rejects.toMatchObject({
          reason: "CONSISTENCY_TOKEN_UNKNOWN",
        });
    });

    test("exclusive changes see each other: of many that look first, one writes", async () => {
      const { store } = await open();
      const attempts = Array.from({ length: 8 }, (_, index) =>
        store.change("exclusive", async (change) => {
          if ((await change.list(everything, undefined, 1)).length > 0) return 0;
          return (await change.insert([relationship(`doc:1#owner@user:${index}`)])).length;
        }),
      );
      expect((await Promise.all(attempts)).reduce((sum, wrote) => sum + wrote, 0)).toBe(1);
    });

    test("shared changes of the same relationships in opposite order all finish", async () => {
      const { store } = await open();
      const keys = Array.from({ length: 20 }, (_, index) => `doc:${index}#viewer@user:a`);
      const counts = await Promise.all([
        insert(store, ...keys),
        insert(store, ...keys.toReversed()),
        insert(store, ...keys),
        insert(store, ...keys.toReversed()),
      ]);
      expect(counts.flat()).toHaveLength(20);
    });

    test("text that looks like SQL is text", async () => {
      const { store } = await open();
      const hostile = ["doc:');DROP/TABLE/relationship;--#viewer@user:'OR'1'='1", "doc:$1#viewer@user:\\x00"];
      await insert(store, ...hostile);
      expect((await listAll(store)).sort()).toEqual(hostile.toSorted());
    });
  });
}
