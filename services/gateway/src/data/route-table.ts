import type { MatchedRequest } from "./conditions.ts";
import { HostMap } from "./host-map.ts";
import type { Route } from "./route.ts";
import { VirtualHosts } from "./virtual-hosts.ts";

/** Routes that share a host name of their port; requests for that host see these and no others. */
export interface TableListener {
  /** "" any host, "a.example.com" or "*.example.com". */
  hostname: string;
  /** In order of precedence. */
  routes: readonly Route[];
}

/**
 * The compiled routes of one port: built once, never changed, swapped as a whole. A request keeps the route that it
 * found. Requests belong to the listener with the most specific name for their host, and to that one only.
 */
export class RouteTable {
  static readonly empty: RouteTable = RouteTable.of([]);
  readonly routes: readonly Route[];
  /** Every service that a request may be sent to, sorted. */
  readonly services: readonly string[];
  /** Those that take gRPC over HTTP/2 for certain. */
  readonly rpcServices: readonly string[];
  readonly #listeners = new HostMap<VirtualHosts>();
  readonly #only: VirtualHosts | undefined;

  constructor(listeners: readonly TableListener[]) {
    this.routes = Object.freeze([...new Set(listeners.flatMap(({ routes }) => routes))]);
    const targets = this.routes.flatMap(targetsOf);
    this.services = sorted(targets.map(({ service }) => service));
    this.rpcServices = sorted(targets.filter(({ rpc }) => rpc).map(({ service }) => service));
    for (const { hostname, routes } of listeners) this.#listeners.set(hostname, new VirtualHosts(routes));
    if (listeners.length === 1 && listeners[0]?.hostname === "") this.#only = this.#listeners.get("");
  }

  /** A table for any host. `routes` in order of precedence. */
  static of(routes: readonly Route[]): RouteTable {
    return new RouteTable([{ hostname: "", routes }]);
  }

  /** `host` in lower case without port. */
  match(host: string, request: MatchedRequest): Route | undefined {
    return (this.#only ?? this.#listeners.find(host))?.match(host, request);
  }

  /**
   * Whether a request for `host` does not belong on a TLS connection that was made for `serverName` (RFC 9110 section
   * 15.5.20): another listener, perhaps with other certificates and rules, is the one for it.
   */
  isMisdirected(serverName: string, host: string): boolean {
    if (this.#only !== undefined || serverName === "") return false;
    return this.#listeners.find(serverName) !== this.#listeners.find(host);
  }
}

/** Without `backends` a route leads to a service of the platform, which all speak gRPC. */
function targetsOf(route: Route): { service: string; rpc: boolean }[] {
  const backends = route.backends?.flatMap(({ service, protocol }) =>
    service ? [{ service, rpc: protocol !== "http1" }] : [],
  ) ?? [{ service: route.service, rpc: true }];
  return [...backends, ...(route.mirrors ?? []).map(({ service }) => ({ service, rpc: false }))];
}

function sorted(names: readonly string[]): readonly string[] {
  return Object.freeze([...new Set(names)].sort());
}
