import type { HeaderChanges } from "../../data/route.ts";
import type { RouteFilter } from "../gateway-api.ts";
import type { Finding } from "./finding.ts";

/** Headers that only the gateway says, or that tell where a message ends: a filter must not touch them. */
const reserved = new Set([
  "host",
  "connection",
  "keep-alive",
  "content-length",
  "transfer-encoding",
  "te",
  "trailer",
  "upgrade",
  "forwarded",
  "x-real-ip",
  "x-request-id",
  "traceparent",
]);
/** RFC 9110 sections 5.6.2 and 5.5. Whoever writes a route must not write a second request into its headers. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;
const isReserved = (name: string): boolean =>
  reserved.has(name) || name.startsWith("x-forwarded-") || name.startsWith("x-plinth-");

export interface HeaderFilters {
  requestHeaders?: HeaderChanges;
  responseHeaders?: HeaderChanges;
}

type Modifier = NonNullable<RouteFilter["requestHeaderModifier"]>;

/** The header filters of a backend; any other kind of filter there is a finding. */
export function compileHeaderFilters(filters: readonly RouteFilter[]): HeaderFilters | Finding {
  const compiled: HeaderFilters = {};
  for (const filter of filters) {
    const found = compileHeaderFilter(filter);
    if (found === undefined) return unsupported(`the filter ${filter.type} is not supported on a backend`);
    if ("reason" in found) return found;
    Object.assign(compiled, found);
  }
  return compiled;
}

/** One header filter; undefined when it is of another kind. */
export function compileHeaderFilter(filter: RouteFilter): HeaderFilters | Finding | undefined {
  const { type, requestHeaderModifier, responseHeaderModifier } = filter;
  if (type === "RequestHeaderModifier" && requestHeaderModifier) {
    const requestHeaders = changesOf(requestHeaderModifier);
    return "reason" in requestHeaders ? requestHeaders : { requestHeaders };
  }
  if (type === "ResponseHeaderModifier" && responseHeaderModifier) {
    const responseHeaders = changesOf(responseHeaderModifier);
    return "reason" in responseHeaders ? responseHeaders : { responseHeaders };
  }
  return undefined;
}

function changesOf({ set = [], add = [], remove = [] }: Modifier): HeaderChanges | Finding {
  const lower = <T extends { name: string }>(entry: T): T => ({ ...entry, name: entry.name.toLowerCase() });
  const changes = { set: set.map(lower), add: add.map(lower), remove: remove.map((name) => name.toLowerCase()) };
  const written = [...changes.set, ...changes.add];
  const named = written.map(({ name }) => name);
  const odd = written.find(({ name, value }) => !token.test(name) || !fieldValue.test(value));
  if (odd)
    return unsupported(`the header ${JSON.stringify(odd.name)} or its value has a character that a header cannot have`);
  const taken = [...named, ...changes.remove].find(isReserved);
  return taken === undefined ? changes : unsupported(`the header ${taken} is the gateway's own and cannot be changed`);
}

export const unsupported = (message: string): Finding => ({ reason: "UnsupportedValue", message });
