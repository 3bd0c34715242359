import { expect, it } from "vitest";
import type { Route } from "../data/route.ts";
import { RouteTable } from "../data/route-table.ts";
import { routedPaths } from "./routed-paths.ts";

const route = (path: string, more: Partial<Route> = {}): Route => ({
  ...{ id: "things/0", service: "things", hostname: "", pathType: "Prefix", path, authentication: "None" },
  ...{ timeoutMs: 1_000, idleTimeoutMs: 1_000, maxBodyBytes: 1_000, websocket: false },
  ...more,
});

const document = {
  paths: { "/v1/things": { get: {}, post: {} }, "/v1/things/{id}": { get: {}, parameters: [{ name: "id" }] } },
};

const shown = (routes: Route[], service = "things") => {
  const { paths } = routedPaths(RouteTable.of(routes), "any.test", service, document);
  return Object.entries(paths).map(([path, item]) => `${path} ${Object.keys(item as object).join(" ")}`);
};

it("shows what a prefix covers, with what its methods share", () => {
  expect(shown([route("/v1/things")])).toEqual(["/v1/things get post", "/v1/things/{id} parameters get"]);
  expect(shown([route("/v1/other")])).toEqual([]);
});

it("shows a path under the name that a rewriting route gives it, and not under its own", () => {
  const rewriting = route("/shop", { rewrite: { path: { type: "prefix", value: "/v1" } } });
  expect(shown([rewriting])).toEqual(["/shop/things get post", "/shop/things/{id} parameters get"]);
  expect(shown([route("/v1", { rewrite: { path: { type: "prefix", value: "/v2" } } })])).toEqual([]);
});

it("shows only the methods that a route takes, and those of the service it leads to", () => {
  const conditions = { method: "POST", headers: [], query: [] };
  expect(shown([route("/v1", { conditions })])).toEqual(["/v1/things post"]);
  const elsewhere = route("/v1", { conditions, id: "other/0", service: "other" });
  expect(shown([elsewhere, route("/v1")])).toEqual(["/v1/things get", "/v1/things/{id} parameters get"]);
});

it.each<Partial<Route>>([
  { invalid: "wrong" },
  { redirect: { status: 302 } },
  { backends: [] },
  { conditions: { headers: [{ name: "x-version", value: "2" }], query: [] } },
])("shows nothing of a route with %j", (more) => expect(shown([route("/v1", more)])).toEqual([]));
