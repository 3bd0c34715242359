import { createRegistry, type JsonObject, toJson } from "@bufbuild/protobuf";
import { isFault } from "@plinth/kernel";
import { expect, test } from "vitest";
import { bindRequest } from "../../src/rest/bind-request.ts";
import { httpBindingsOf } from "../../src/rest/http-bindings.ts";
import { createRestRouter } from "../../src/rest/rest-router.ts";
import { libraryRpc, libraryService } from "./library-service.ts";

const service = libraryService();
const bindings = httpBindingsOf(service);
const router = createRestRouter(bindings);
const registry = createRegistry(service.file);

/** The request as ProtoJSON, or what is wrong with it. */
function bound(method: string, target: string, body = ""): { rpc: string; json: JsonObject } | string {
  const [path = "", query = ""] = target.split("?", 2);
  const match = router.match(method, path);
  if (match.kind !== "found") return match.kind;
  try {
    const message = bindRequest(match.target, { values: match.values, query, body }, registry);
    return { rpc: match.target.rpc.name, json: toJson(match.target.rpc.input, message, { registry }) as JsonObject };
  } catch (err) {
    if (!isFault(err)) throw err;
    expect(err.reason).toBe("REQUEST_MALFORMED");
    return err.message;
  }
}

test.each<[string, string, string, string, JsonObject]>([
  ["GET", "/library/v1/things/a", "", "Get", { name: "a" }],
  ["GET", "/library/v1/things/a%2Fb%20%E2%82%AC", "", "Get", { name: "a/b €" }],
  ["GET", "/library/v1/things/a?count=2&on=true", "", "Get", { name: "a", count: 2, on: true }],
  ["GET", "/library/v1/things?tags=a&tags=b&numbers=1&numbers=-2", "", "List", { tags: ["a", "b"], numbers: [1, -2] }],
  [
    "GET",
    "/library/v1/things?nested.nested.name=x&nested.tags=y",
    "",
    "List",
    { nested: { nested: { name: "x" }, tags: ["y"] } },
  ],
  [
    "GET",
    "/library/v1/things?kind=KIND_BOOK&kinds=1&kinds=KIND_FILM",
    "",
    "List",
    { kind: "KIND_BOOK", kinds: ["KIND_BOOK", "KIND_FILM"] },
  ],
  ["GET", "/library/v1/things?start_time=2026-01-02T03:04:05Z", "", "List", { startTime: "2026-01-02T03:04:05Z" }],
  [
    "GET",
    "/library/v1/things?startTime=2026-01-02T03%3A04%3A05.5%2B01:00",
    "",
    "List",
    { startTime: "2026-01-02T02:04:05.500Z" },
  ],
  [
    "GET",
    "/library/v1/things?times=2026-01-02T03:04:05Z&times=2026-01-02T03:04:06Z",
    "",
    "List",
    { times: ["2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"] },
  ],
  ["GET", "/library/v1/things?time_limit=1.5s", "", "List", { timeLimit: "1.500s" }],
  [
    "GET",
    "/library/v1/things?update_mask=start_time,nested.maybe_on",
    "",
    "List",
    { updateMask: "startTime,nested.maybeOn" },
  ],
  ["GET", "/library/v1/things?updateMask=startTime,name", "", "List", { updateMask: "startTime,name" }],
  [
    "GET",
    "/library/v1/things?maybe_text=&maybe_big=7&maybe_on=false",
    "",
    "List",
    { maybeText: "", maybeBig: "7", maybeOn: false },
  ],
  ["GET", "/library/v1/things?data=_-8&maybe_data=_-8%3D", "", "List", { data: "/+8=", maybeData: "/+8=" }],
  ["GET", "/library/v1/things?data=/%2B8=", "", "List", { data: "/+8=" }],
  [
    "GET",
    "/library/v1/things?big=9007199254740993&unsigned=18446744073709551615",
    "",
    "List",
    { big: "9007199254740993", unsigned: "18446744073709551615" },
  ],
  ["GET", "/library/v1/things?ratio=-1.5e3&small=2", "", "List", { ratio: -1500, small: 2 }],
  ["GET", "/library/v1/things?ratio=NaN", "", "List", { ratio: "NaN" }],
  ["GET", "/library/v1/things?name=a+b%2Bc&&", "", "List", { name: "a b+c" }],
  ["GET", "/library/v1/things?name=a=b", "", "List", { name: "a=b" }],
  ["GET", "/library/v1/things?name", "", "List", {}],
  ["GET", "/library/v1/things?left=x", "", "List", { left: "x" }],
  ["GET", "/library/v1/deep/n/5?nested.on=true", "", "GetDeep", { nested: { name: "n", count: 5, on: true } }],
  ["GET", "/library/v1/shelves/a%2Fb/c", "", "Path", { name: "shelves/a%2Fb/c" }],
  ["POST", "/library/v1/paths", `{"name":"x"}`, "Path", { name: "x" }],
  [
    "GET",
    "/library/v1/numbers/-5/2/true/_-8/2026-01-02T03:04:05Z",
    "",
    "ByNumber",
    { big: "-5", kind: "KIND_FILM", on: true, data: "/+8=", startTime: "2026-01-02T03:04:05Z" },
  ],
  ["POST", "/library/v1/things", "", "Create", {}],
  ["POST", "/library/v1/things", "{}", "Create", {}],
  [
    "POST",
    "/library/v1/things",
    `{"name":"a","nested":{"items":[{"count":1}]},"free":{"a":[1,null]}}`,
    "Create",
    { name: "a", nested: { items: [{ count: 1 }] }, free: { a: [1, null] } },
  ],
  [
    "PATCH",
    "/library/v1/things/a",
    `{"count":1,"updateMask":"count"}`,
    "Update",
    { name: "a", count: 1, updateMask: "count" },
  ],
  ["PATCH", "/library/v1/things/a", `{"name":"a","on":true}`, "Update", { name: "a", on: true }],
  [
    "PUT",
    "/library/v1/things/a?count=3",
    `{"name":"inner"}`,
    "Put",
    { name: "a", count: 3, nested: { name: "inner" } },
  ],
  [
    "PUT",
    "/library/v1/items?name=x",
    `[{"count":1},{"count":2}]`,
    "PutAll",
    { name: "x", items: [{ count: 1 }, { count: 2 }] },
  ],
  ["DELETE", "/library/v1/things/a?big=1", "", "Delete", { name: "a", big: "1" }],
  ["PURGE", "/library/v1/things", "", "Purge", {}],
  [
    "POST",
    "/library/v1/things",
    `{"labels":{"__proto__":"x","constructor":"y"}}`,
    "Create",
    {
      labels: Object.fromEntries([
        ["constructor", "y"],
        ["__proto__", "x"],
      ]) as JsonObject,
    },
  ],
])("%s %s %s calls %s", (method, target, body, rpc, json) => {
  expect(bound(method, target, body)).toEqual({ rpc, json });
});

const deep = (depth: number): string => `${'{"nested":'.repeat(depth)}{}${"}".repeat(depth)}`;

test.each([
  ["GET", "/library/v1/things?name=%zz", "", "the query has a broken percent-encoding"],
  ["GET", "/library/v1/things?%ff=1", "", "the query has a broken percent-encoding"],
  ["GET", "/library/v1/things?name=%C3%28", "", "the query has a broken percent-encoding"],
  ["GET", "/library/v1/things?name=a&name=b", "", `the query's "name": it is given twice`],
  [
    "GET",
    "/library/v1/things?start_time=2026-01-02T03:04:05Z&startTime=2026-01-02T03:04:05Z",
    "",
    `the query's "startTime": it is given twice`,
  ],
  ["GET", "/library/v1/things?nope=1", "", `the query's "nope" is no field of the request`],
  ["GET", "/library/v1/things?nested.nope=1", "", `the query's "nested.nope" is no field of the request`],
  ["GET", "/library/v1/things?name.x=1", "", `the query's "name.x" is no field of the request`],
  ["GET", "/library/v1/things?start_time.seconds=1", "", `the query's "start_time.seconds" is no field of the request`],
  ["GET", "/library/v1/things?=1", "", `the query's "" is no field of the request`],
  ["GET", "/library/v1/things?__proto__=1", "", `the query's "__proto__" is no field of the request`],
  ["GET", "/library/v1/things?__proto__.polluted=1", "", `the query's "__proto__.polluted" is no field of the request`],
  ["GET", "/library/v1/things?constructor.prototype.x=1", "", "is no field of the request"],
  ["GET", `/library/v1/things?${"nested.".repeat(150)}name=1`, "", "JSON"],
  ["GET", `/library/v1/things?${"x".repeat(5000)}=1`, "", `the query's "${"x".repeat(64)}" is no field`],
  ["GET", "/library/v1/things?nested=1", "", `the query's "nested" is not a single value`],
  ["GET", "/library/v1/things?items=1", "", `the query's "items" is not a single value`],
  ["GET", "/library/v1/things?items.name=1", "", `the query's "items.name" is no field of the request`],
  ["GET", "/library/v1/things?labels=1", "", `the query's "labels" is not a single value`],
  ["GET", "/library/v1/things?free=1", "", `the query's "free" is not a single value`],
  ["GET", "/library/v1/things?left=a&right=b", "", "oneof"],
  ["GET", "/library/v1/things?count=1e3", "", "an integer is expected"],
  ["GET", "/library/v1/things?count=0x10", "", "an integer is expected"],
  ["GET", "/library/v1/things?count=", "", "an integer is expected"],
  ["GET", "/library/v1/things?count=%201", "", "an integer is expected"],
  ["GET", "/library/v1/things?count=2147483648", "", "library.v1.Everything.count"],
  ["GET", "/library/v1/things?big=9223372036854775808", "", "library.v1.Everything.big"],
  ["GET", `/library/v1/things?big=${"9".repeat(400)}`, "", "an integer is expected"],
  ["GET", "/library/v1/things?unsigned=-1", "", "library.v1.Everything.unsigned"],
  ["GET", "/library/v1/things?ratio=1,5", "", "a number is expected"],
  ["GET", "/library/v1/things?ratio=1e999", "", "library.v1.Everything.ratio"],
  ["GET", "/library/v1/things?on=yes", "", `"true" or "false" is expected`],
  ["GET", "/library/v1/things?maybe_on=1", "", `"true" or "false" is expected`],
  ["GET", "/library/v1/things?kind=BOOK", "", "library.v1.Kind"],
  ["GET", "/library/v1/things?data=***", "", "library.v1.Everything.data"],
  ["GET", "/library/v1/things?start_time=yesterday", "", "google.protobuf.Timestamp"],
  ["GET", "/library/v1/things?time_limit=5", "", "google.protobuf.Duration"],
  ["GET", "/library/v1/things/a?name=b", "", `"name" cannot stand in the query`],
  ["GET", "/library/v1/things/a", "{}", "this call takes no body"],
  ["DELETE", "/library/v1/things/a", "{}", "this call takes no body"],
  ["POST", "/library/v1/things?name=a", "{}", `"name" cannot stand in the query`],
  ["PUT", "/library/v1/things/a?nested.name=b", "{}", `"nested.name" cannot stand in the query`],
  ["PATCH", "/library/v1/things/a", `{"name":"b"}`, "name in the body differs from the one in the path"],
  ["POST", "/library/v1/things", "{", "JSON"],
  ["POST", "/library/v1/things", "[]", "JSON"],
  ["POST", "/library/v1/things", "null", "JSON"],
  ["POST", "/library/v1/things", `{"nope":1}`, "nope"],
  ["POST", "/library/v1/things", `{"__proto__":{"x":1}}`, "__proto__"],
  ["POST", "/library/v1/things", `{"name":"a","name":"b"}`, "name"],
  ["POST", "/library/v1/things", `{"count":1e999}`, "count"],
  ["POST", "/library/v1/things", `{"name":1}`, "name"],
  ["POST", "/library/v1/things", deep(150), "JSON"],
  ["POST", "/library/v1/things", "[".repeat(1_000_000), "JSON"],
  ["PUT", "/library/v1/things/a", `{},"name":"smuggled"`, "JSON"],
  ["GET", "/library/v1/numbers/x/2/true/_-8/2026-01-02T03:04:05Z", "", "big in the path: an integer is expected"],
])("%s %s %s is refused: %s", (method, target, body, problem) => {
  expect(bound(method, target, body)).toEqual(expect.stringContaining(problem));
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test.each<[string, JsonObject, JsonObject]>([
  ["no path", {}, {}],
  ["no field", { get: "/v1/{nope}" }, {}],
  ["no field", { get: "/v1/{nested.nope}" }, {}],
  ["not a single value", { get: "/v1/{tags}" }, {}],
  ["not a single value", { get: "/v1/{nested}" }, {}],
  ["no field nope", { post: "/v1/x", body: "nope" }, {}],
  ["is a map", { post: "/v1/x", body: "labels" }, {}],
  ["GET has no body", { get: "/v1/x", body: "*" }, {}],
  ["no field nope", { get: "/v1/x", responseBody: "nope" }, {}],
  ["a stream of requests cannot be sent over REST", { post: "/v1/x", body: "*" }, { clientStreaming: true }],
  ["path template", { get: "/v1/{" }, {}],
])("an option is refused at the start: %s, %j", (problem, rule, more) => {
  expect(() => httpBindingsOf(libraryService([libraryRpc("Bad", rule, more)]))).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(new RegExp(`^google.api.http of library.v1.LibraryService.Bad: .*${problem}`)),
    }),
  );
});
