import { silentLogger } from "@plinth/kernel";
import { expect, test } from "vitest";
import { createChangeFeed } from "../src/change-feed.ts";
import type { Informer } from "../src/informer.ts";
import { objectKey } from "../src/resource.ts";
import { specChanged, type WatchSourceOptions, watchSource } from "../src/source.ts";
import { type Note, note, notes } from "./test-client.ts";

function start(options: WatchSourceOptions<Note> = {}) {
  const feed = createChangeFeed<Note>({}, silentLogger);
  const informer: Informer<Note> = {
    name: "test",
    resource: notes,
    cache: feed.cache,
    synced: Promise.resolve(),
    subscribe: feed.subscribe,
    status: () => ({ synced: true, objects: feed.cache.size, silentMs: 0, lastError: undefined }),
  };
  const offered: string[] = [];
  feed.put(note("old", 1), true);
  const source = watchSource(informer, options);
  const opened = source.open((key, priority) => void offered.push(`${key} ${priority}`));
  return { feed, source, offered, opened };
}

test("what was there waits behind what changes", () => {
  const { feed, offered } = start();
  feed.put(note("new", 2), false);
  feed.put(note("old", 3), false);
  feed.remove(note("new", 4));
  expect(offered).toEqual([
    "default/old background",
    "default/new normal",
    "default/old normal",
    "default/old normal",
    "default/new normal",
  ]);
});

test("a child that changes its owner wakes both", () => {
  const { feed, source, offered, opened } = start({ keys: (object) => [`owner of ${object.data?.["text"]}`] });
  feed.put(note("old", 2, { text: "other" }), false);
  expect(offered).toEqual(["owner of v1 background", "owner of other normal", "owner of v1 normal"]);
  expect([...source.keys()]).toEqual(["owner of other"]);
  opened.close();
  feed.put(note("old", 3), false);
  expect(offered).toHaveLength(3);
});

const withMeta = (version: number, metadata: object): Note => {
  const plain = note("old", version);
  return { ...plain, metadata: { ...plain.metadata, ...metadata } };
};

test("an update of nothing but the status is passed over when only the spec counts", () => {
  const { feed, offered } = start({ updated: specChanged, keys: (object) => [objectKey(object.metadata)] });
  feed.put(withMeta(2, { generation: 1 }), false);
  expect(offered).toHaveLength(3);
  feed.put(withMeta(3, { generation: 1 }), false);
  expect(offered).toHaveLength(3);
  feed.put(withMeta(4, { generation: 1, labels: { a: "b" } }), false);
  expect(offered).toHaveLength(5);
  feed.put(withMeta(5, { generation: 1, labels: { a: "b" }, deletionTimestamp: "2026-01-01T00:00:00Z" }), false);
  expect(offered).toHaveLength(7);
});
