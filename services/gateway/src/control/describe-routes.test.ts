import { expect, test } from "vitest";
import type { Route } from "../data/route.ts";
import { RouteTable } from "../data/route-table.ts";
import { describeRoutes } from "./describe-routes.ts";

const route = (more: Partial<Route>): Route => ({
  ...{ id: "notes/0", service: "notes", hostname: "", pathType: "Prefix", path: "/notes", authentication: "Required" },
  ...{ timeoutMs: Number.POSITIVE_INFINITY, idleTimeoutMs: 60_000, maxBodyBytes: 1024, websocket: false },
  ...more,
});
const settings = {
  ...{ service: "notes", authentication: "Required", timeoutMs: "unlimited", idleTimeoutMs: 60_000 },
  ...{ maxBodyBytes: 1024, websocket: false },
};

test("a rule is one item, with all that leads to it in an order of its own", () => {
  const matches = [
    { pathType: "Prefix", path: "/notes" },
    { hostname: "a.example.com", pathType: "Exact", path: "/" },
  ];
  const routes = [route({}), route({ hostname: "a.example.com", pathType: "Exact", path: "" })];
  const expected = { "notes/0": { ...settings, matches: matches.toReversed() } };
  expect(describeRoutes([{ table: RouteTable.of(routes) }])).toEqual(expected);
  expect(describeRoutes([{ table: RouteTable.of(routes.toReversed()) }])).toEqual(expected);
});

test("a rule that several Gateways serve names them", () => {
  const table = RouteTable.of([route({})]);
  const described = describeRoutes([
    { at: "shop/b:443", table },
    { at: "shop/a:80", table },
  ]);
  expect(described["notes/0"]?.["gateways"]).toEqual(["shop/a:80", "shop/b:443"]);
});

test("rules of one id that are served otherwise are items of their own", () => {
  const tables = [
    { at: "shop/a:80", table: RouteTable.of([route({})]) },
    { at: "shop/b:80", table: RouteTable.of([route({ authentication: "None" })]) },
  ];
  const described = describeRoutes(tables);
  expect(described["notes/0"]).toMatchObject({ authentication: "Required", gateways: ["shop/a:80"] });
  expect(described["notes/0#2"]).toMatchObject({ authentication: "None", gateways: ["shop/b:80"] });
});

test("values of headers and parameters stay out: they may be credentials", () => {
  const key = { name: "x-api-key", value: "hunter2" };
  const changes = { set: [{ name: "authorization", value: "Basic hunter2" }], add: [key], remove: ["cookie"] };
  const described = describeRoutes([
    {
      table: RouteTable.of([
        route({
          conditions: { method: "POST", headers: [key], query: [{ name: "token", value: "hunter2" }] },
          requestHeaders: changes,
          responseHeaders: changes,
          backends: [{ service: "notes", weight: 1, protocol: "both", requestHeaders: changes }],
        }),
      ]),
    },
  ]);
  expect(JSON.stringify(described)).not.toContain("hunter2");
  expect(described["notes/0"]).toMatchObject({
    matches: [{ method: "POST", headers: ["x-api-key"], query: ["token"] }],
    requestHeaders: { set: ["authorization"], add: ["x-api-key"], remove: ["cookie"] },
    backends: [{ service: "notes", requestHeaders: { set: ["authorization"] } }],
  });
});

test("a name is never longer than audit takes, and still one of its own", () => {
  const long = (last: string) => `${"n".repeat(400)}/${last}`;
  const names = Object.keys(
    describeRoutes([{ table: RouteTable.of([route({ id: long("0") }), route({ id: long("1"), path: "/other" })]) }]),
  );
  expect(names).toHaveLength(2);
  for (const name of names) expect(name).toHaveLength(300);
});
