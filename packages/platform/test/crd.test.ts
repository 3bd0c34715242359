import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { platformServiceCrdYaml } from "../src/crd.ts";
import { routePolicyCrdYaml } from "../src/route-policy-crd.ts";
import { platformService } from "../src/schema/platform-service.ts";
import type { Schema } from "../src/schema/schema.ts";

const folder = path.resolve(import.meta.dirname, "../../../charts/plinth/crds");

test.each([
  ["platformservices", platformServiceCrdYaml()],
  ["routepolicies", routePolicyCrdYaml()],
])("the chart's CRD of %s is what the schema generates", (plural, yaml) => {
  expect(readFileSync(path.join(folder, `plinth.dev_${plural}.yaml`), "utf8")).toBe(yaml);
});

test("every list, map and text is bounded, so that an API server accepts the cost of the rules", () => {
  expect(unbounded(platformService, "")).toEqual([]);
});

test("every list says how entries are identified, so that server-side apply merges it", () => {
  expect(unidentified(platformService, "")).toEqual([]);
});

function unbounded(schema: Schema, at: string): string[] {
  const own =
    (schema.type === "array" && schema.maxItems === undefined) ||
    (schema.additionalProperties && schema.maxProperties === undefined) ||
    (schema.type === "string" && schema.maxLength === undefined && !schema.enum && !schema.format);
  return [...(own ? [at] : []), ...children(schema, at).flatMap(([path, child]) => unbounded(child, path))];
}

function unidentified(schema: Schema, at: string): string[] {
  const own = schema.type === "array" && schema["x-kubernetes-list-type"] === undefined;
  return [...(own ? [at] : []), ...children(schema, at).flatMap(([path, child]) => unidentified(child, path))];
}

function children(schema: Schema, at: string): [string, Schema][] {
  const named = Object.entries(schema.properties ?? {}).map(([name, child]): [string, Schema] => [
    `${at}.${name}`,
    child,
  ]);
  const rest = [schema.items, schema.additionalProperties].filter((child) => child !== undefined);
  return [...named, ...rest.map((child): [string, Schema] => [`${at}[]`, child])];
}
