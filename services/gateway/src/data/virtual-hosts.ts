import type { MatchedRequest } from "./conditions.ts";
import { HostMap } from "./host-map.ts";
import { HostRoutes } from "./host-routes.ts";
import type { Route } from "./route.ts";

/** Routes by host name. */
export class VirtualHosts {
  readonly #hosts = new HostMap<HostRoutes>();

  /** `routes` in order of precedence; a later one that can never be reached is dropped. */
  constructor(routes: readonly Route[]) {
    const all = new Set<HostRoutes>();
    for (const route of routes) {
      const host = this.#hosts.get(route.hostname) ?? new HostRoutes();
      this.#hosts.set(route.hostname, host);
      all.add(host);
      host.add(route);
    }
    for (const host of all) host.link();
  }

  /** A host whose routes do not take the request leaves it to the next less specific name. */
  match(host: string, request: MatchedRequest): Route | undefined {
    const { exact, wildcards, any } = this.#hosts;
    if (exact.size > 0) {
      const found = exact.get(host)?.match(request);
      if (found !== undefined) return found;
    }
    if (wildcards.size > 0) {
      for (let dot = host.indexOf("."); dot > 0; dot = host.indexOf(".", dot + 1)) {
        const found = wildcards.get(host.slice(dot))?.match(request);
        if (found !== undefined) return found;
      }
    }
    return any?.match(request);
  }
}
