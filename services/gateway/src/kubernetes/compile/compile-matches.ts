import { normalisePath } from "../../data/normalise-path.ts";
import type { Conditions, NameValue, Route } from "../../data/route.ts";
import type { GrpcRouteMatch, HttpRouteMatch } from "../gateway-api.ts";
import { unsupported } from "./compile-headers.ts";
import type { Finding } from "./finding.ts";

export type CompiledMatch = Pick<Route, "pathType" | "path" | "conditions">;

interface Match {
  type?: string;
  name: string;
  value: string;
}

export function compileHttpMatch({ path, method, headers, queryParams }: HttpRouteMatch): CompiledMatch | Finding {
  const { type = "PathPrefix", value = "/" } = path ?? {};
  if (type !== "PathPrefix" && type !== "Exact")
    return unsupported(`paths of type ${type} are not supported; Exact and PathPrefix are`);
  const normalised = normalisePath(value);
  if (!normalised.ok) return unsupported(`the path ${value}: ${normalised.problem}`);
  const header = compileValues(headers, (name) => name.toLowerCase());
  const query = compileValues(queryParams, (name) => name);
  if ("reason" in header) return header;
  if ("reason" in query) return query;
  return {
    pathType: type === "Exact" ? "Exact" : "Prefix",
    path: type === "Exact" ? normalised.path : normalised.path.replace(/\/$/, ""),
    ...conditionsOf({ ...(method === undefined ? {} : { method }), headers: header, query }),
  };
}

/** A gRPC method is a path: /service/method. */
export function compileGrpcMatch({ method, headers }: GrpcRouteMatch): CompiledMatch | Finding {
  const { type = "Exact", service, method: name } = method ?? {};
  if (type !== "Exact") return unsupported(`gRPC methods of type ${type} are not supported; Exact is`);
  const header = compileValues(headers, (entry) => entry.toLowerCase());
  if ("reason" in header) return header;
  const anyService = service === undefined || service === "";
  const rpcMethod = anyService && name ? { rpcMethod: name } : {};
  return {
    pathType: !anyService && name ? "Exact" : "Prefix",
    path: anyService ? "" : name ? `/${service}/${name}` : `/${service}`,
    ...conditionsOf({ ...rpcMethod, headers: header, query: [] }),
  };
}

/** Of several values for one name the first counts, as the Gateway API says. */
function compileValues(matches: readonly Match[] = [], normal: (name: string) => string): NameValue[] | Finding {
  const values = new Map<string, string>();
  for (const { type = "Exact", name, value } of matches) {
    if (type !== "Exact") return unsupported(`values of type ${type} are not supported; Exact is`);
    if (!values.has(normal(name))) values.set(normal(name), value);
  }
  return [...values].map(([name, value]) => ({ name, value }));
}

function conditionsOf(conditions: Conditions): { conditions?: Conditions } {
  const { method, rpcMethod, headers, query } = conditions;
  const none = method === undefined && rpcMethod === undefined && headers.length === 0 && query.length === 0;
  return none ? {} : { conditions };
}
