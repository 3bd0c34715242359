import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "@bufbuild/protobuf";
import type { HeaderChanges, Route } from "../data/route.ts";
import type { RouteTable } from "../data/route-table.ts";

/** Routes that one address has in common. */
export interface ServedTable {
  /** The Gateway and its port; absent where there is one address only. */
  at?: string;
  table: RouteTable;
}

/** As long as an item's name may be. */
const nameMaxChars = 300;

/**
 * What is served, rule by rule: by its id, with all hosts and matches that lead to it. Without values of headers and query
 * parameters, which may be credentials.
 */
export function describeRoutes(tables: readonly ServedTable[]): Record<string, JsonObject> {
  const rules = new Map<string, { settings: JsonObject; matches: JsonObject[]; at: Set<string> }[]>();
  for (const { at, table } of tables) {
    for (const route of table.routes) {
      const { settings, match } = partsOf(route);
      const ofId = rules.get(route.id) ?? [];
      rules.set(route.id, ofId);
      const known = ofId.find((other) => isDeepStrictEqual(other.settings, settings));
      const rule = known ?? { settings, matches: [], at: new Set() };
      if (known === undefined) ofId.push(rule);
      if (!rule.matches.some((other) => isDeepStrictEqual(other, match))) rule.matches.push(match);
      if (at !== undefined) rule.at.add(at);
    }
  }
  const described: Record<string, JsonObject> = {};
  for (const [id, ofId] of rules) {
    for (const [number, { settings, matches, at }] of ofId.entries()) {
      const name = shortened(number === 0 ? id : `${id}#${number + 1}`);
      described[name] = {
        ...settings,
        matches: matches.sort(byText),
        ...(at.size > 0 ? { gateways: [...at].sort() } : {}),
      };
    }
  }
  return described;
}

function partsOf(route: Route): { settings: JsonObject; match: JsonObject } {
  const { id: _, hostname, pathType, path, conditions, requestHeaders, responseHeaders, backends, ...settings } = route;
  const match: JsonObject = {
    ...(hostname === "" ? {} : { hostname }),
    ...{ pathType, path: path || "/" },
    ...(conditions?.method === undefined ? {} : { method: conditions.method }),
    ...(conditions?.rpcMethod === undefined ? {} : { rpcMethod: conditions.rpcMethod }),
    ...named("headers", conditions?.headers),
    ...named("query", conditions?.query),
  };
  return {
    match,
    settings: asJson({
      ...settings,
      ...changed("requestHeaders", requestHeaders),
      ...changed("responseHeaders", responseHeaders),
      ...(backends === undefined
        ? {}
        : {
            backends: backends.map(({ requestHeaders: toBackend, responseHeaders: fromBackend, ...backend }) => ({
              ...backend,
              ...changed("requestHeaders", toBackend),
              ...changed("responseHeaders", fromBackend),
            })),
          }),
    }),
  };
}

const named = (key: string, values: readonly { name: string }[] = []) =>
  values.length === 0 ? {} : { [key]: values.map(({ name }) => name) };

const changed = (key: string, changes: HeaderChanges | undefined) =>
  changes === undefined
    ? {}
    : { [key]: { ...named("set", changes.set), ...named("add", changes.add), remove: [...changes.remove] } };

/** No limit is no number in JSON. */
const asJson = (value: object): JsonObject =>
  JSON.parse(JSON.stringify(value, (_, part) => (part === Number.POSITIVE_INFINITY ? "unlimited" : part)));

const byText = (a: JsonObject, b: JsonObject): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

function shortened(name: string): string {
  if (name.length <= nameMaxChars) return name;
  const rest = createHash("sha256").update(name).digest("hex").slice(0, 16);
  return `${name.slice(0, nameMaxChars - rest.length - 1)}~${rest}`;
}
