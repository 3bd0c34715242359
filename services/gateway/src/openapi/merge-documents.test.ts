import type { JsonObject } from "@bufbuild/protobuf";
import { openApiProblems } from "@plinth/testing/openapi";
import { expect, it } from "vitest";
import { type MergePart, mergeDocuments } from "./merge-documents.ts";

const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });
const answering = (schema: JsonObject): JsonObject => ({
  "200": { description: "The answer.", content: { "application/json": { schema } } },
});

function part(service: string, path: string, schemas: JsonObject, more: JsonObject = {}): MergePart {
  const get = {
    operationId: "Service_Get",
    tags: ["Service"],
    responses: answering(ref("Thing")),
    security: [{ key: [] }],
    ...more,
  };
  const paths = { [path]: { get } };
  const securitySchemes = { key: { type: "http", scheme: service === "a" ? "bearer" : "basic" } };
  return { service, paths, document: { tags: [{ name: "Service" }], paths, components: { schemas, securitySchemes } } };
}

const whole = (parts: readonly MergePart[]): JsonObject => ({
  openapi: "3.1.1",
  info: { title: "t", version: "1" },
  ...mergeDocuments(parts),
});

type Schemas = Record<string, unknown>;
const schemasOf = (parts: readonly MergePart[]) => mergeDocuments(parts).components["schemas"] as Schemas;

it("shares what is the same in both", () => {
  const schemas = { Thing: { type: "object" } };
  expect(Object.keys(schemasOf([part("a", "/a", schemas), part("b", "/b", schemas)]))).toEqual(["Thing"]);
});

it("keeps apart what has one name and is not the same, and all that refers to it", async () => {
  const inner = (type: string) => ({
    Thing: { properties: { inner: ref("Inner") } },
    Inner: { type },
    Same: { type: "null" },
  });
  const uses = { responses: answering({ anyOf: [ref("Thing"), ref("Same")] }) };
  const parts = [part("a", "/a", inner("string"), uses), part("ns/b", "/b", inner("integer"), uses)];
  const merged = whole(parts);
  expect(await openApiProblems(merged)).toEqual([]);
  expect(schemasOf(parts)).toEqual({
    Inner: { type: "string" },
    Same: { type: "null" },
    Thing: { properties: { inner: ref("Inner") } },
    "ns-b.Inner": { type: "integer" },
    "ns-b.Thing": { properties: { inner: ref("ns-b.Inner") } },
  });
  const { paths, tags } = merged as unknown as { paths: Record<string, { get: JsonObject }>; tags: { name: string }[] };
  expect(paths["/a"]?.get).toMatchObject({ operationId: "Service_Get", tags: ["Service"], security: [{ key: [] }] });
  expect(paths["/b"]?.get).toMatchObject({
    operationId: "ns-b.Service_Get",
    tags: ["ns/b.Service"],
    security: [{ "ns-b.key": [] }],
    responses: answering({ anyOf: [ref("ns-b.Thing"), ref("Same")] }),
  });
  expect(tags.map(({ name }) => name)).toEqual(["Service", "ns/b.Service"]);
});

it("keeps three apart, and schemas that refer to themselves", async () => {
  const self = (title: string) => ({ Thing: { title, properties: { next: ref("Thing") } } });
  const parts = ["a", "b", "c"].map((name) => part(name, `/${name}`, self(name)));
  expect(Object.keys(schemasOf(parts))).toEqual(["Thing", "b.Thing", "c.Thing"]);
  expect(JSON.stringify(schemasOf(parts)["b.Thing"])).toBe(
    JSON.stringify({ title: "b", properties: { next: ref("b.Thing") } }),
  );
  expect(await openApiProblems(whole(parts))).toEqual([]);
});

it("leaves out what no path refers to", () => {
  const schemas = { Thing: { properties: { a: ref("A") } }, A: {}, Internal: {}, Other: ref("Internal") };
  expect(Object.keys(schemasOf([part("a", "/a", schemas)]))).toEqual(["A", "Thing"]);
});

it("gives a method of a path to the first that has it", () => {
  const [a, b] = [part("a", "/x", { Thing: { title: "a" } }), part("b", "/x", { Thing: { title: "b" } })];
  (b as { paths: Record<string, JsonObject> }).paths["/x"] = {
    ...(b?.paths["/x"] as JsonObject),
    post: { responses: answering(ref("Thing")) },
  };
  const { paths } = mergeDocuments([a as MergePart, b as MergePart]);
  const item = paths["/x"] as Record<string, { responses: unknown }>;
  expect(item["get"]?.responses).toEqual(answering(ref("Thing")));
  expect(item["post"]?.responses).toEqual(answering(ref("b.Thing")));
});
