import { normalisePath } from "../../data/normalise-path.ts";
import type { CorsPolicy, Mirror, PathChange, Redirect, Route } from "../../data/route.ts";
import type { PathModifier, RouteFilter } from "../gateway-api.ts";
import type { ClusterView } from "./cluster-view.ts";
import { type Referrer, resolveTarget } from "./compile-backends.ts";
import { compileCorsFilter } from "./compile-cors-filter.ts";
import { compileHeaderFilter, unsupported } from "./compile-headers.ts";
import type { Finding } from "./finding.ts";

export type CompiledFilters = Pick<
  Route,
  "requestHeaders" | "responseHeaders" | "redirect" | "rewrite" | "mirrors" | "cors"
>;

export interface FilterContext {
  view: ClusterView;
  from: Referrer;
  /** Whether the route is one of a PlatformService: its CORS policy then serves RPC clients as well. */
  platform: boolean;
  /** A reference of a filter that leads nowhere. The filter is left out: nobody waits for what a mirror says. */
  report: (finding: Finding) => void;
}

/** The filters of one rule. A filter that cannot be carried out makes the whole rule a finding: none is skipped. */
export function compileFilters(context: FilterContext, filters: readonly RouteFilter[]): CompiledFilters | Finding {
  const compiled: CompiledFilters = {};
  for (const filter of filters) {
    const found = compileFilter(context, filter);
    if ("reason" in found) return found;
    const mirrors = [...(compiled.mirrors ?? []), ...(found.mirrors ?? [])];
    Object.assign(compiled, found, mirrors.length > 0 ? { mirrors } : {});
  }
  if (compiled.redirect && compiled.rewrite)
    return { reason: "IncompatibleFilters", message: "RequestRedirect and URLRewrite exclude each other" };
  return compiled;
}

function compileFilter(context: FilterContext, filter: RouteFilter): CompiledFilters | Finding {
  const { type, requestRedirect, urlRewrite, cors, requestMirror } = filter;
  const headers = compileHeaderFilter(filter);
  if (headers !== undefined) return headers;
  if (type === "RequestRedirect" && requestRedirect) return compileRedirect(requestRedirect);
  if (type === "URLRewrite" && urlRewrite) {
    const path = compilePath(urlRewrite.path);
    if (path && "reason" in path) return path;
    const { hostname } = urlRewrite;
    if (!isHostName(hostname)) return unsupported(`${JSON.stringify(hostname)} is no host name`);
    return { rewrite: { ...(hostname === undefined ? {} : { hostname }), ...(path ? { path } : {}) } };
  }
  if (type === "CORS" && cors) {
    const policy: CorsPolicy | Finding = compileCorsFilter(cors, context.platform);
    return "reason" in policy ? policy : { cors: policy };
  }
  if (type === "RequestMirror" && requestMirror) {
    const mirror = compileMirror(context, requestMirror);
    return mirror === undefined ? {} : { mirrors: [mirror] };
  }
  return unsupported(`the filter ${type} is not supported`);
}

/** The CRD says so too, but what is written into a head is looked at here. */
const isHostName = (name: string | undefined): boolean =>
  name === undefined || /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/i.test(name);

function compileRedirect(filter: NonNullable<RouteFilter["requestRedirect"]>): CompiledFilters | Finding {
  const { scheme, hostname, port, statusCode = 302 } = filter;
  if (scheme !== undefined && scheme !== "http" && scheme !== "https")
    return unsupported(`the scheme ${scheme} of a redirect is not supported`);
  if (![301, 302, 303, 307, 308].includes(statusCode))
    return unsupported(`the status ${statusCode} of a redirect is not supported`);
  if (!isHostName(hostname)) return unsupported(`${JSON.stringify(hostname)} is no host name`);
  const path = compilePath(filter.path);
  if (path && "reason" in path) return path;
  return {
    redirect: {
      status: statusCode as Redirect["status"],
      ...(scheme === undefined ? {} : { scheme }),
      ...(hostname === undefined ? {} : { hostname }),
      ...(port === undefined ? {} : { port }),
      ...(path ? { path } : {}),
    },
  };
}

function compilePath(path: PathModifier | undefined): PathChange | Finding | undefined {
  if (path === undefined) return undefined;
  const isFull = path.type === "ReplaceFullPath";
  const value = isFull ? path.replaceFullPath : path.replacePrefixMatch;
  const normalised = normalisePath(value || "/");
  if (!normalised.ok) return unsupported(`the path ${value} to put in place: ${normalised.problem}`);
  return isFull
    ? { type: "full", value: normalised.path }
    : { type: "prefix", value: normalised.path.replace(/\/$/, "") };
}

function compileMirror(
  { view, from, report }: FilterContext,
  { backendRef, percent, fraction }: NonNullable<RouteFilter["requestMirror"]>,
): Mirror | undefined {
  const target = resolveTarget(view, from, backendRef);
  if ("reason" in target) {
    report(target);
    return undefined;
  }
  const share = fraction ? fraction.numerator / (fraction.denominator ?? 100) : (percent ?? 100) / 100;
  return { ...target, share };
}
