import { fulfils, type MatchedRequest } from "./conditions.ts";
import type { Route } from "./route.ts";

/** The routes of one path, in order of precedence; after one without conditions there is no other. */
class PathRoutes {
  readonly #first: Route;
  #others: Route[] | undefined;
  /** Routes of the longest prefix that covers this path: asked when no condition here is met. */
  parent: PathRoutes | undefined;

  constructor(first: Route) {
    this.#first = first;
  }

  add(route: Route): void {
    const last = this.#others?.at(-1) ?? this.#first;
    if (last.conditions === undefined) return;
    this.#others ??= [];
    this.#others.push(route);
  }

  pick(request: MatchedRequest): Route | undefined {
    const first = this.#first;
    if (first.conditions === undefined || fulfils(request, first.conditions)) return first;
    return this.#others?.find((route) => route.conditions === undefined || fulfils(request, route.conditions));
  }
}

/** The routes of one host name. */
export class HostRoutes {
  readonly #exact = new Map<string, PathRoutes>();
  readonly #prefixes = new Map<string, PathRoutes>();
  /** Most slashes in any prefix: bounds the work for a hostile path. */
  #depthMax = 0;

  /** In order of precedence. */
  add(route: Route): void {
    const paths = route.pathType === "Exact" ? this.#exact : this.#prefixes;
    const found = paths.get(route.path);
    if (found === undefined) paths.set(route.path, new PathRoutes(route));
    else found.add(route);
    if (route.pathType === "Prefix") this.#depthMax = Math.max(this.#depthMax, route.path.split("/").length - 1);
  }

  /** To be called once, after the last `add`. */
  link(): void {
    for (const [path, routes] of this.#exact) routes.parent = this.#deepest(path);
    for (const [path, routes] of this.#prefixes)
      if (path !== "") routes.parent = this.#deepest(path.slice(0, path.lastIndexOf("/")));
  }

  match(request: MatchedRequest): Route | undefined {
    const { path } = request;
    for (let at = this.#exact.get(path) ?? this.#deepest(path); at !== undefined; at = at.parent) {
      const route = at.pick(request);
      if (route !== undefined) return route;
    }
    return undefined;
  }

  /** Ends of the path's first segments, found forward. */
  #deepest(path: string): PathRoutes | undefined {
    let deepest = this.#prefixes.get("");
    for (let end = 0, depth = 0; depth < this.#depthMax; depth++) {
      end = path.indexOf("/", end + 1);
      const found = this.#prefixes.get(end === -1 ? path : path.slice(0, end));
      if (found !== undefined) deepest = found;
      if (end === -1) break;
    }
    return deepest;
  }
}
