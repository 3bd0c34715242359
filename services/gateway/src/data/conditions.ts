import type { RequestHead } from "./request-head.ts";
import type { Conditions } from "./route.ts";

/** What conditions look at. An exchange has all of it. */
export interface MatchedRequest {
  method: string;
  /** Normalised, without query. */
  path: string;
  /** With the question mark; empty without one. */
  query: string;
  head: RequestHead;
}

/** Whether a request has everything that a route asks for beyond host and path. */
export function fulfils(request: MatchedRequest, conditions: Conditions): boolean {
  const { method, rpcMethod, headers, query } = conditions;
  if (method !== undefined && method !== request.method) return false;
  if (rpcMethod !== undefined && !request.path.endsWith(`/${rpcMethod}`)) return false;
  for (const { name, value } of headers) if (request.head.value(name) !== value) return false;
  if (query.length === 0) return true;
  const parameters = new URLSearchParams(request.query);
  return query.every(({ name, value }) => parameters.get(name) === value);
}
