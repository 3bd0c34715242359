import type { PathChange, Route } from "./route.ts";

/** The path after a change; the route's prefix ends at the end of a segment, and so does what takes its place. */
export function changePath(path: string, change: PathChange, route: Route): string {
  if (change.type === "full") return change.value;
  return change.value + path.slice(route.path.length) || "/";
}
