import type { JsonObject } from "@bufbuild/protobuf";
import { isJsonObject } from "@plinth/rpc";
import { leadsTo } from "../data/leads-to.ts";
import { RequestHead } from "../data/request-head.ts";
import type { Route } from "../data/route.ts";
import type { RouteTable } from "../data/route-table.ts";

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** Routes that ask for headers or parameters are none for a request without them. */
const bareHead = new RequestHead([]);

export interface RoutedPaths {
  paths: JsonObject;
  /** That let something through. */
  routes: ReadonlySet<Route>;
}

/**
 * The paths of a service's document that a request for `host` reaches through the table, under the names that they have
 * there: a route that rewrites a prefix gives them others. A token that the route itself asks for is in `security`.
 */
export function routedPaths(table: RouteTable, host: string, service: string, document: JsonObject): RoutedPaths {
  const paths: JsonObject = {};
  const used = new Set<Route>();
  const rewriting = table.routes.filter((route) => leadsTo(route, service) && route.rewrite?.path?.type === "prefix");
  for (const [inner, item] of Object.entries(isJsonObject(document["paths"]) ? document["paths"] : {})) {
    if (!isJsonObject(item) || !inner.startsWith("/")) continue;
    for (const { path, by } of namesOf(inner, rewriting)) {
      const reached = methods.flatMap((method) => {
        const operation = item[method];
        const route = isJsonObject(operation) ? table.match(host, requestFor(method, path)) : undefined;
        if (route === undefined || !isWay(route, service, by)) return [];
        used.add(route);
        return [[method, withSecurity(operation as JsonObject, document, route)] as const];
      });
      if (reached.length === 0) continue;
      const shared = Array.isArray(item["parameters"]) ? { parameters: item["parameters"] } : {};
      paths[path] = { ...shared, ...Object.fromEntries(reached) };
    }
  }
  return { paths, routes: used };
}

/** The path as it is, and as each route names it that puts another prefix in its place. */
function namesOf(inner: string, rewriting: readonly Route[]): { path: string; by: Route | undefined }[] {
  const others = rewriting.flatMap((route) => {
    const prefix = (route.rewrite?.path?.value ?? "").replace(/\/$/, "");
    return inner === prefix || inner.startsWith(`${prefix}/`)
      ? [{ path: `${route.path}${inner.slice(prefix.length)}`, by: route }]
      : [];
  });
  return [{ path: inner, by: undefined }, ...others];
}

const requestFor = (method: string, path: string) => ({
  method: method.toUpperCase(),
  path: path.replaceAll(/\{[^}]*\}/g, "~"),
  query: "",
  head: bareHead,
});

function isWay(route: Route, service: string, by: Route | undefined): boolean {
  if (route.invalid !== undefined || route.redirect !== undefined || !leadsTo(route, service)) return false;
  return by === undefined ? route.rewrite?.path === undefined : by === route;
}

function withSecurity(operation: JsonObject, document: JsonObject, { authentication }: Route): JsonObject {
  const own = operation["security"] ?? document["security"] ?? [];
  const isOpen = !Array.isArray(own) || own.length === 0;
  return { ...operation, security: isOpen && authentication === "Required" ? [{ bearer: [] }] : own };
}
