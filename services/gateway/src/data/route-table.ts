export type Authentication = "None" | "Optional" | "Required";

export interface RateLimitPolicy {
  /** Names the bucket set; routes never share one. */
  id: string;
  requests: number;
  perMs: number;
  key: "Principal" | "Address";
}

export interface CorsPolicy {
  /** "*", "https://app.example.com" or "https://*.example.com". */
  allowOrigins: readonly string[];
  allowMethods: readonly string[];
  allowHeaders: readonly string[];
  exposeHeaders: readonly string[];
  allowCredentials: boolean;
  maxAgeSeconds: number;
}

/** One compiled rule. Immutable. */
export interface Route {
  /** `service/ruleIndex`: the label in metrics and access log. */
  id: string;
  service: string;
  hostname: string;
  pathType: "Exact" | "Prefix";
  /** Normalised; a prefix carries no trailing slash ("" is everything). */
  path: string;
  authentication: Authentication;
  rateLimit?: RateLimitPolicy;
  timeoutMs: number;
  idleTimeoutMs: number;
  maxBodyBytes: number;
  websocket: boolean;
  cors?: CorsPolicy;
  /** Set when the rule is wrong: it keeps its path, so that no weaker rule takes over, and answers 500. */
  invalid?: string;
}

class HostRoutes {
  readonly exact = new Map<string, Route>();
  readonly prefixes = new Map<string, Route>();
  /** Most slashes in any prefix: bounds the work for a hostile path. */
  depthMax = 0;

  match(path: string): Route | undefined {
    const exact = this.exact.get(path);
    if (exact !== undefined) return exact;
    // Ends of the path's first segments, found forward, tried from the deepest back.
    let end = 0;
    let depth = 0;
    let deepest = this.prefixes.get("");
    while (depth < this.depthMax) {
      end = path.indexOf("/", end + 1);
      depth++;
      const found = this.prefixes.get(end === -1 ? path : path.slice(0, end));
      if (found !== undefined) deepest = found;
      if (end === -1) break;
    }
    return deepest;
  }
}

/** The compiled routes: built once, never changed, swapped as a whole. A request keeps the table it started with. */
export class RouteTable {
  static readonly empty: RouteTable = new RouteTable([]);
  readonly routes: readonly Route[];
  readonly services: readonly string[];
  readonly #exactHosts = new Map<string, HostRoutes>();
  readonly #wildcardHosts = new Map<string, HostRoutes>();
  readonly #anyHost = new HostRoutes();

  /** `routes` in order of precedence; a later route for the same host and path is dropped. */
  constructor(routes: readonly Route[]) {
    this.routes = Object.freeze([...routes]);
    this.services = Object.freeze([...new Set(routes.map((route) => route.service))].sort());
    for (const route of routes) this.#add(route);
  }

  #add(route: Route): void {
    const host = this.#hostRoutes(route.hostname);
    const paths = route.pathType === "Exact" ? host.exact : host.prefixes;
    if (!paths.has(route.path)) paths.set(route.path, route);
    if (route.pathType === "Prefix") host.depthMax = Math.max(host.depthMax, route.path.split("/").length - 1);
  }

  #hostRoutes(hostname: string): HostRoutes {
    if (hostname === "") return this.#anyHost;
    const wildcard = hostname.startsWith("*.");
    const hosts = wildcard ? this.#wildcardHosts : this.#exactHosts;
    const key = wildcard ? hostname.slice(1) : hostname;
    let routes = hosts.get(key);
    if (routes === undefined) {
      routes = new HostRoutes();
      hosts.set(key, routes);
    }
    return routes;
  }

  /** `host` in lower case without port; `path` normalised, without query. */
  match(host: string, path: string): Route | undefined {
    if (this.#exactHosts.size > 0) {
      const found = this.#exactHosts.get(host)?.match(path);
      if (found !== undefined) return found;
    }
    if (this.#wildcardHosts.size > 0) {
      for (let dot = host.indexOf("."); dot > 0; dot = host.indexOf(".", dot + 1)) {
        const found = this.#wildcardHosts.get(host.slice(dot))?.match(path);
        if (found !== undefined) return found;
      }
    }
    return this.#anyHost.match(path);
  }
}
