import { eventually } from "@plinth/testing";
import { expect, onTestFinished, test } from "vitest";
import { createInformer, type Informer, type InformerOptions } from "../src/informer.ts";
import { type Exchange, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";
import { connect, type Note, note, notes, plainOptions } from "./test-client.ts";

type Step = (exchange: Exchange) => void;
type Stream = ReturnType<Exchange["stream"]>;

interface Run extends ScriptedServer {
  informer: Informer<Note>;
  /** "added a v1", "updated a v2", "deleted a": what handlers were told. */
  told: string[];
  lists(): ScriptedServer["requests"];
  watches(): ScriptedServer["requests"];
}

/** An informer on a server that answers lists and watches by these steps in turn; the last of each is repeated. */
async function start(
  script: { lists: Step[]; watches?: Step[] },
  options: Partial<InformerOptions<Note>> = {},
): Promise<Run> {
  const watchSteps = script.watches ?? [(exchange: Exchange) => void exchange.stream()];
  const next = (steps: Step[], done: number): Step => steps[Math.min(done, steps.length) - 1] ?? (() => {});
  const isWatch = (request: { query: URLSearchParams }): boolean => request.query.has("watch");
  const server = await startScriptedServer((exchange) => {
    const watches = server.requests.filter(isWatch).length;
    if (isWatch(exchange)) next(watchSteps, watches)(exchange);
    else next(script.lists, server.requests.length - watches)(exchange);
  });
  const { client, transport } = connect(server.cluster);
  const backoff = { initialMs: 5, maxMs: 20 };
  const informer = createInformer({ client, resource: notes, ...plainOptions, backoff, ...options });
  const told: string[] = [];
  informer.subscribe(({ type, object }) => {
    told.push(
      type === "deleted" ? `deleted ${object.metadata.name}` : `${type} ${object.metadata.name} ${textOf(object)}`,
    );
  });
  await informer.start?.();
  onTestFinished(async () => {
    await informer.stop?.(AbortSignal.timeout(1_000));
    await transport.close();
    await server.stop();
  });
  return {
    ...server,
    informer,
    told,
    lists: () => server.requests.filter((request) => !isWatch(request)),
    watches: () => server.requests.filter(isWatch),
  };
}

const textOf = (object: Note): string | undefined => object.data?.["text"];
const list =
  (version: number, ...items: Note[]): Step =>
  (exchange) =>
    exchange.answer(200, { metadata: { resourceVersion: String(version) }, items });
const watch =
  (act: (stream: Stream) => void): Step =>
  (exchange) =>
    act(exchange.stream());
const event = (type: string, object: Note): object => ({ type, object });
const bookmark = (version: number): object => ({
  type: "BOOKMARK",
  object: { metadata: { resourceVersion: String(version) } },
});
const expired: Step = (exchange) =>
  exchange.answer(410, { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" });
const quiet = watch(() => {});
const state = ({ informer }: Run): Record<string, string | undefined> =>
  Object.fromEntries([...informer.cache.values()].map((object) => [object.metadata.name, textOf(object)]));

test("lists once, then follows the watch from the list's version with bookmarks", async () => {
  const run = await start({
    lists: [list(10, note("a", 3), note("b", 4))],
    watches: [
      watch((stream) => {
        stream.line(event("MODIFIED", note("a", 11)));
        stream.line(event("DELETED", note("b", 12)));
        stream.line(event("ADDED", note("c", 13)));
      }),
    ],
  });
  await run.informer.synced;
  await eventually(() => expect(state(run)).toEqual({ a: "v11", c: "v13" }));
  expect(run.told).toEqual(["added a v3", "added b v4", "updated a v11", "deleted b", "added c v13"]);
  expect(run.lists()).toHaveLength(1);
  const query = Object.fromEntries(run.watches()[0]?.query ?? []);
  expect(query).toMatchObject({ watch: "true", resourceVersion: "10", allowWatchBookmarks: "true" });
  expect(Number(query["timeoutSeconds"])).toBeGreaterThanOrEqual(300);
});

test("pages are put together, and a snapshot that expires between pages is asked for in one piece", async () => {
  const page =
    (version: number, items: Note[], next?: string): Step =>
    (exchange) =>
      exchange.answer(200, { metadata: { resourceVersion: String(version), continue: next }, items });
  const run = await start(
    { lists: [page(10, [note("a", 1)], "token"), expired, page(20, [note("a", 1), note("b", 15)])] },
    { pageSize: 1 },
  );
  await run.informer.synced;
  expect(state(run)).toEqual({ a: "v1", b: "v15" });
  const queries = run.lists().map(({ query }) => [query.get("limit"), query.get("continue")]);
  expect(queries).toEqual([
    ["1", null],
    ["1", "token"],
    [null, null],
  ]);
});

test("a cut connection is resumed after the last event, and half a line is not lost", async () => {
  const half = JSON.stringify(event("MODIFIED", note("a", 12)));
  const run = await start({
    lists: [list(10, note("a", 3))],
    watches: [
      watch((stream) => {
        stream.line(event("MODIFIED", note("a", 11)));
        stream.raw(half.slice(0, half.length / 2));
        setImmediate(() => stream.cut());
      }),
      watch((stream) => stream.line(event("MODIFIED", note("a", 12)))),
    ],
  });
  await eventually(() => expect(state(run)).toEqual({ a: "v12" }));
  expect(run.lists()).toHaveLength(1);
  expect(run.watches()[1]?.query.get("resourceVersion")).toBe("11");
});

test("a bookmark moves the version from which a watch is resumed", async () => {
  const run = await start({
    lists: [list(10)],
    watches: [
      watch((stream) => {
        stream.line(bookmark(500));
        stream.end();
      }),
      quiet,
    ],
  });
  await eventually(() => expect(run.watches()).toHaveLength(2));
  expect(run.watches()[1]?.query.get("resourceVersion")).toBe("500");
});

test.each([
  ["as a status", expired],
  [
    "as an event",
    watch((stream) => stream.line({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } })),
  ],
])("an expired version, told %s, is met with a new list, and what vanished meanwhile is told", async (_, gone) => {
  const run = await start({
    lists: [list(10, note("a", 3), note("b", 4)), list(20, note("a", 3), note("c", 15))],
    watches: [gone, quiet],
  });
  await eventually(() => expect(state(run)).toEqual({ a: "v3", c: "v15" }));
  expect(run.told).toEqual(["added a v3", "added b v4", "deleted b", "added c v15"]);
  await eventually(() => expect(run.watches().at(-1)?.query.get("resourceVersion")).toBe("20"));
});

test("an object that was deleted and made again under its name is told as two changes", async () => {
  const run = await start({
    lists: [list(10, note("a", 3)), list(20, note("a", 15, { uid: "second" }))],
    watches: [expired, quiet],
  });
  await eventually(() => expect(state(run)).toEqual({ a: "v15" }));
  expect(run.told).toEqual(["added a v3", "deleted a", "added a v15"]);
});

test("no failure is final: refusals, garbage, cuts and empty answers are outlived", async () => {
  const run = await start({
    lists: [
      (exchange) => exchange.cut(),
      (exchange) => exchange.answer(500, { kind: "Status", code: 500, reason: "InternalError", message: "boom" }),
      (exchange) => exchange.answer(403, { kind: "Status", code: 403, reason: "Forbidden", message: "no" }),
      (exchange) => exchange.answer(200, "not a list"),
      (exchange) => exchange.answer(200, { kind: "Status" }),
      list(10, note("a", 3)),
    ],
    watches: [
      (exchange) => exchange.cut(),
      (exchange) => exchange.answer(403, { kind: "Status", code: 403, reason: "Forbidden", message: "no" }),
      watch((stream) => stream.raw("{ garbage\n")),
      watch((stream) => stream.end()),
      watch((stream) => stream.line({ type: "ERROR", object: { kind: "Status", code: 500, message: "etcd is ill" } })),
      watch((stream) => stream.line(event("MODIFIED", note("a", 11)))),
    ],
  });
  await eventually(() => expect(state(run)).toEqual({ a: "v11" }));
  expect(run.lists()).toHaveLength(6);
  expect(run.informer.status()).toMatchObject({ synced: true, objects: 1, lastError: undefined });
});

test("a refusal is told as the informer's last error until something arrives", async () => {
  const refusal = { kind: "Status", code: 403, reason: "Forbidden", message: "configmaps is forbidden" };
  const run = await start({ lists: [(exchange) => exchange.answer(403, refusal)] });
  await eventually(() => expect(run.informer.status().lastError).toBe("configmaps is forbidden"));
  expect(run.informer.status()).toMatchObject({ synced: false, silentMs: undefined });
});

test("a watch on which nothing comes is opened anew without a new list", async () => {
  const run = await start(
    {
      lists: [list(10, note("a", 3))],
      watches: [quiet, watch((stream) => stream.line(event("MODIFIED", note("a", 11))))],
    },
    { idleMs: 200 },
  );
  await eventually(() => expect(state(run)).toEqual({ a: "v11" }));
  expect(run.lists()).toHaveLength(1);
  expect(run.watches()[1]?.query.get("resourceVersion")).toBe("10");
});

test("repeated events are told once and older ones of the same object change nothing", async () => {
  const run = await start({
    lists: [list(10, note("a", 9))],
    watches: [
      watch((stream) => {
        stream.line(event("MODIFIED", note("a", 11)));
        stream.line(event("MODIFIED", note("a", 11)));
        stream.line(event("ADDED", note("a", 9)));
        stream.line(event("DELETED", note("gone", 8)));
        stream.line(event("MODIFIED", note("a", 12)));
      }),
    ],
  });
  await eventually(() => expect(state(run)).toEqual({ a: "v12" }));
  expect(run.told).toEqual(["added a v9", "updated a v11", "updated a v12"]);
  expect(run.lists()).toHaveLength(1);
});

test("events out of order, of which one would bring a deleted object back, end in the true state", async () => {
  const run = await start({
    lists: [list(10, note("a", 9)), list(13, note("b", 12))],
    watches: [
      watch((stream) => {
        stream.line(event("DELETED", note("a", 13)));
        stream.line(event("MODIFIED", note("a", 11)));
      }),
      quiet,
    ],
  });
  await eventually(() => expect(state(run)).toEqual({ b: "v12" }));
  expect(run.told).toEqual(["added a v9", "deleted a", "added b v12"]);
  expect(run.lists()).toHaveLength(2);
});

test("a list older than what was seen is not believed", async () => {
  const stale = list(5, note("a", 3), note("old", 4));
  const run = await start({
    lists: [list(10, note("a", 9)), stale, stale, list(30, note("a", 25))],
    watches: [expired, quiet],
  });
  await eventually(() => expect(state(run)).toEqual({ a: "v25" }));
  expect(run.told).toEqual(["added a v9", "updated a v25"]);
});

test("a cluster that stays older was restored from a backup and is believed in the end", async () => {
  const run = await start({ lists: [list(10, note("a", 9)), list(5, note("a", 3))], watches: [expired, quiet] });
  await eventually(() => expect(state(run)).toEqual({ a: "v3" }));
  expect(run.lists().length).toBeGreaterThan(3);
  await eventually(() => expect(run.watches().at(-1)?.query.get("resourceVersion")).toBe("5"));
});

test("a handler or an index function that throws harms nobody else", async () => {
  const run = await start(
    { lists: [list(10, note("a", 3))], watches: [watch((stream) => stream.line(event("ADDED", note("b", 11))))] },
    {
      indexes: {
        text: (object) => {
          if (object.metadata.name === "a") throw new Error("broken index");
          return [textOf(object) ?? ""];
        },
      },
    },
  );
  run.informer.subscribe(() => {
    throw new Error("broken handler");
  });
  await eventually(() => expect(state(run)).toEqual({ a: "v3", b: "v11" }));
  expect(run.informer.cache.byIndex("text", "v11").map(({ metadata }) => metadata.name)).toEqual(["b"]);
  expect(run.told).toEqual(["added a v3", "added b v11"]);
  expect(() => run.informer.cache.byIndex("nothing", "")).toThrow('no index "nothing"; known are: text');
});

test("an index follows changes and deletions", async () => {
  const run = await start(
    {
      lists: [list(10, note("a", 3, { text: "x" }), note("b", 4, { text: "x" }))],
      watches: [
        watch((stream) => {
          stream.line(event("MODIFIED", note("a", 11, { text: "y" })));
          stream.line(event("DELETED", note("b", 12, { text: "x" })));
        }),
      ],
    },
    { indexes: { text: (object) => [textOf(object) ?? ""] } },
  );
  await eventually(() => expect(run.told).toHaveLength(4));
  expect(run.informer.cache.byIndex("text", "x")).toEqual([]);
  expect(run.informer.cache.byIndex("text", "y").map(({ metadata }) => metadata.name)).toEqual(["a"]);
});

test("what is kept has kind and version, no managedFields, and cannot be changed by a reader", async () => {
  const managed = { ...note("a", 3), metadata: { ...note("a", 3).metadata, managedFields: [{ manager: "x" }] } };
  const run = await start({ lists: [list(10, managed)] });
  await run.informer.synced;
  const kept = run.informer.cache.get("default/a");
  expect(kept).toMatchObject({ apiVersion: "v1", kind: "ConfigMap" });
  expect(kept?.metadata.managedFields).toBeUndefined();
  expect(() => Object.assign(kept?.data ?? {}, { text: "mine" })).toThrow(TypeError);
});

test("a late subscriber is told of what is there, and nobody after closing", async () => {
  const streams: Stream[] = [];
  const run = await start({ lists: [list(10, note("a", 3))], watches: [watch((stream) => void streams.push(stream))] });
  await eventually(() => expect(streams).toHaveLength(1));
  const late: string[] = [];
  const subscription = run.informer.subscribe(({ type, object }) => void late.push(`${type} ${object.metadata.name}`));
  expect(late).toEqual(["added a"]);
  subscription.close();
  streams[0]?.line(event("MODIFIED", note("a", 11)));
  await eventually(() => expect(state(run)).toEqual({ a: "v11" }));
  expect(late).toEqual(["added a"]);
});

test("metadata-only asks for metadata in lists and watches", async () => {
  const run = await start({ lists: [list(10, note("a", 3))] }, { metadataOnly: true, labelSelector: "app=x" });
  await eventually(() => expect(run.watches()).toHaveLength(1));
  for (const request of run.requests) {
    expect(request.headers.accept).toContain("as=PartialObjectMetadata");
    expect(request.query.get("labelSelector")).toBe("app=x");
  }
});

test("stopping ends the watch and asks for nothing more", async () => {
  const closed = Promise.withResolvers<void>();
  const run = await start({
    lists: [list(10)],
    watches: [
      (exchange) => {
        exchange.stream();
        exchange.gone.addEventListener("abort", () => closed.resolve());
      },
    ],
  });
  await eventually(() => expect(run.watches()).toHaveLength(1));
  await run.informer.stop?.(AbortSignal.timeout(1_000));
  await closed.promise;
  expect(run.requests).toHaveLength(2);
});
