import { changePath } from "./change-path.ts";
import type { Exchange } from "./exchange.ts";
import type { Redirect, Route } from "./route.ts";

const wellKnownPorts = { http: 80, https: 443 } as const;

/** Where a redirect leads: what it does not name stays as the request had it (Gateway API, HTTPRequestRedirectFilter). */
export function redirectLocation(exchange: Exchange, redirect: Redirect): string {
  const scheme = redirect.scheme ?? (exchange.head.forwardedProto === "https" ? "https" : "http");
  const port = redirect.port ?? (redirect.scheme ? wellKnownPorts[redirect.scheme] : exchange.entrance.port);
  const host = redirect.hostname ?? exchange.host;
  const authority = port === undefined || port === wellKnownPorts[scheme] ? host : `${host}:${port}`;
  const route = exchange.route as Route;
  const path = redirect.path === undefined ? exchange.path : changePath(exchange.path, redirect.path, route);
  return `${scheme}://${authority}${path}${exchange.query}`;
}
