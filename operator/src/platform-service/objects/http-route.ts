import { contentHash } from "@plinth/kube";
import type { CorsSpec, RouteSpec } from "@plinth/platform";
import { type Child, child } from "../child.ts";
import { durationSeconds, gatewayDuration } from "../duration.ts";
import { type CorsFilter, type HttpRouteRule, httpRouteRulesMax, httpRoutes } from "../gateway-api.ts";
import { childNames } from "../labels.ts";
import type { ServiceObject } from "../resources.ts";
import type { PlatformSettings } from "../settings.ts";
import { servicePorts } from "./service.ts";

type Rule = RouteSpec["rules"][number];

/** A part of a route that fits into one HTTPRoute. */
export interface RoutePart {
  name: string;
  rules: { name: string; rule: Rule }[];
}

/**
 * A rule is named after what it matches. Route and policy are two objects, written one after the other: were rules named by
 * their number, a new first rule would for a moment give every path the policy of its neighbour.
 */
const ruleName = ({ path, pathType }: Rule): string => `rule-${contentHash([pathType, path])}`;

export function routeParts(service: ServiceObject): RoutePart[] {
  const rules = (service.spec.route?.rules ?? []).map((rule) => ({ name: ruleName(rule), rule }));
  const parts: RoutePart[] = [];
  for (let start = 0; start < rules.length; start += httpRouteRulesMax) {
    const name = childNames.httpRoute(service.metadata.name, parts.length);
    parts.push({ name, rules: rules.slice(start, start + httpRouteRulesMax) });
  }
  return parts;
}

/**
 * HTTPRoutes only: gRPC is HTTP/2 with paths, an HTTPRoute carries it, and a GRPCRoute for the same host would have to be
 * refused by the gateway (GEP-1016).
 */
export function httpRoute(service: ServiceObject, settings: PlatformSettings, part: RoutePart): Child {
  const { hostnames, cors } = service.spec.route ?? {};
  const filters: HttpRouteRule["filters"] = cors ? [{ type: "CORS", cors: corsFilter(cors) }] : undefined;
  const rules = part.rules.map(({ name, rule }): HttpRouteRule => {
    const { path, pathType, timeout } = rule;
    return {
      name,
      matches: [{ path: { type: pathType === "Exact" ? "Exact" : "PathPrefix", value: path } }],
      ...(filters ? { filters } : {}),
      ...(timeout ? { timeouts: { request: gatewayDuration(timeout) } } : {}),
      backendRefs: [{ name: service.metadata.name, port: servicePorts.grpc }],
    };
  });
  return child(httpRoutes, service, {
    metadata: { name: part.name },
    spec: {
      parentRefs: [{ name: settings.gateway.name, namespace: settings.gateway.namespace }],
      ...(hostnames && hostnames.length > 0 ? { hostnames } : {}),
      rules,
    },
  });
}

const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/** The Gateway API takes "*" only on its own, and knows the methods by name. */
function corsFilter(cors: CorsSpec): CorsFilter {
  const alone = (values: string[]): string[] => (values.includes("*") ? ["*"] : values);
  const allowMethods = cors.allowMethods && alone(cors.allowMethods.map((method) => method.toUpperCase()));
  return {
    allowOrigins: alone(cors.allowOrigins),
    ...(allowMethods ? { allowMethods: allowMethods.filter((name) => name === "*" || methods.includes(name)) } : {}),
    ...(cors.allowHeaders ? { allowHeaders: alone(cors.allowHeaders) } : {}),
    ...(cors.exposeHeaders ? { exposeHeaders: cors.exposeHeaders } : {}),
    allowCredentials: cors.allowCredentials,
    ...(cors.maxAge ? { maxAge: durationSeconds(cors.maxAge) } : {}),
  };
}
