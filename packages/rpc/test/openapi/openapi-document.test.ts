import path from "node:path";
import type { DescService } from "@bufbuild/protobuf";
import { openApiProblems } from "@plinth/testing/openapi";
import { describe, expect, test } from "vitest";
import { type AccessRule, access, httpBindingsOf, type ServiceRoutes } from "../../src/index.ts";
import { openApiDocument } from "../../src/openapi/index.ts";
import { libraryService } from "../rest/library-service.ts";
import { ruledService } from "./ruled-service.ts";

const routesOf = (service: DescService, rules: Record<string, AccessRule> = {}): ServiceRoutes => ({
  service,
  routes: new Map(
    service.methods.map(({ localName }) => [
      localName,
      { access: rules[localName] ?? access.public, handle: () => undefined },
    ]),
  ),
});

const comments = {
  "ruled.v1.RuledService": "Rules, and those who keep them.",
  "ruled.v1.RuledService.Save": "Saves a thing. ALREADY_EXISTS when it is there.",
  "ruled.v1.RuledService.Change": "Changes a thing.",
  "ruled.v1.Ruled": "A thing with rules.",
  "ruled.v1.Ruled.count": "How many there are.",
  "ruled.v1.Color": "What it looks like.",
  "ruled.v1.Color.COLOR_RED": "Like a brick.",
};
const document = openApiDocument({
  title: "library",
  version: "1.2.3",
  services: [
    routesOf(libraryService()),
    routesOf(ruledService(), {
      save: access.any(access.service("auth"), access.permission("can_save", "platform:plinth")),
      change: access.self(() => ""),
    }),
  ],
  comments,
});

// `npx vitest run -u` writes new expectations; read the difference before you commit it.
test("every kind of field and rule, as it was read and found right", async () => {
  await expect(JSON.stringify(document, null, 2)).toMatchFileSnapshot(
    path.join(import.meta.dirname, "document.golden"),
  );
});

test("the official schema of OpenAPI 3.1 has nothing to say", async () => {
  expect(await openApiProblems(document)).toEqual([]);
});

test("the official schema would have something to say", async () => {
  const { info: _, ...rest } = document;
  expect(await openApiProblems(rest)).not.toEqual([]);
  const text = JSON.stringify(document).replace(
    '"schemas":{',
    '"schemas":{"Astray":{"$ref":"#/components/schemas/Nowhere"},',
  );
  expect(await openApiProblems(JSON.parse(text))).not.toEqual([]);
});

describe("operations", () => {
  type Operations = Record<string, Record<string, { operationId: string; security: object[]; deprecated?: boolean }>>;
  const paths = document["paths"] as Operations;
  const operations = Object.values(paths).flatMap((item) => Object.values(item));

  test("there is one for every path that is served and that OpenAPI has a method for", () => {
    const bindings = [libraryService(), ruledService()].flatMap((service) => httpBindingsOf(service));
    const unknown = bindings.filter(({ method }) => method === "PURGE");
    expect(unknown).toHaveLength(1);
    expect(operations).toHaveLength(bindings.length - unknown.length);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  });

  test("what has no path is not in it", () => expect(JSON.stringify(document)).not.toContain("Internal"));

  test("credentials follow from the access rule", () => {
    expect(paths["/ruled/v1/things"]?.["get"]?.security).toEqual([]);
    expect(paths["/ruled/v1/things"]?.["post"]?.security).toEqual([{ bearer: [] }, { workload: [] }]);
    expect(paths["/ruled/v1/things/{id}"]?.["patch"]?.security).toEqual([{ bearer: [] }]);
  });
});

test("services of one name are told apart by their packages, and one that is given twice is there once", () => {
  const services = [routesOf(ruledService()), routesOf(ruledService("v2")), routesOf(ruledService("v2"))];
  const { tags, paths } = openApiDocument({ title: "t", version: "1", services }) as Record<string, object>;
  expect(tags).toEqual([{ name: "ruled.v1.RuledService" }, { name: "ruled.v2.RuledService" }]);
  expect(JSON.stringify(paths)).toContain('"operationId":"ruled.v2.RuledService_Save"');
});
