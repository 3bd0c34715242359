export type Authentication = "None" | "Optional" | "Required";

export interface RateLimitPolicy {
  /** Names the bucket set; routes share one when their rules give the limit the same name. */
  id: string;
  requests: number;
  perMs: number;
  key: "Principal" | "Address";
}

export interface CorsPolicy {
  /** "*", "https://app.example.com" or "https://*.example.com". */
  allowOrigins: readonly string[];
  /** "*" alone stands for whatever a preflight asks for. */
  allowMethods: readonly string[];
  /** "*" alone stands for whatever a preflight asks for. */
  allowHeaders: readonly string[];
  exposeHeaders: readonly string[];
  allowCredentials: boolean;
  maxAgeSeconds: number;
}

/** Changes to a list of headers, done in this order. Names in lower case. */
export interface HeaderChanges {
  /** Replaces all values of a name. */
  set: readonly NameValue[];
  /** Appends to the values that are there. */
  add: readonly NameValue[];
  remove: readonly string[];
}

export interface NameValue {
  name: string;
  value: string;
}

/** What a request must have beyond host and path. All of it. */
export interface Conditions {
  method?: string;
  /** Last segment of the path: a gRPC method of whichever service. */
  rpcMethod?: string;
  /** Exact values; names in lower case. Several values of one header are joined by a comma. */
  headers: readonly NameValue[];
  /** Exact values of the first parameter of a name. */
  query: readonly NameValue[];
}

/**
 * What a service is spoken to in, without TLS: `http1` is HTTP/1.1, and HTTP/2 for gRPC calls that came over HTTP/2; `h2c`
 * is HTTP/2 for all but WebSockets; `both` is what each request needs, as for the services of this platform.
 */
export type BackendProtocol = "http1" | "h2c" | "both";

/** A service that requests of a route may go to. */
export interface Backend {
  /** Name of the service in Upstreams; absent: the reference is wrong, and its share is answered with 500. */
  service?: string;
  /** Share of the requests, relative to the route's other backends. */
  weight: number;
  protocol: BackendProtocol;
  requestHeaders?: HeaderChanges;
  responseHeaders?: HeaderChanges;
}

export type PathChange =
  | { type: "full"; value: string }
  /** In place of the route's prefix; without a trailing slash. */
  | { type: "prefix"; value: string };

export interface Redirect {
  status: 301 | 302 | 303 | 307 | 308;
  scheme?: "http" | "https";
  hostname?: string;
  port?: number;
  path?: PathChange;
}

export interface Rewrite {
  hostname?: string;
  path?: PathChange;
}

/** A service that gets a copy of requests, and whose answers nobody sees. */
export interface Mirror {
  service: string;
  protocol: BackendProtocol;
  /** Share of the requests that are copied: 0 to 1. */
  share: number;
}

/** Further attempts after an answer that says that the service failed. */
export interface Retry {
  /** Status codes of answers that are not passed on as long as attempts are left. */
  codes: readonly number[];
  /** Attempts after the first one. */
  attempts: number;
  /** Wait before each of them. */
  backoffMs: number;
}

/** One compiled rule. Immutable. */
export interface Route {
  /** `service/ruleIndex`, on Kubernetes `namespace/route/ruleIndex`: the label in metrics and access log. */
  id: string;
  service: string;
  hostname: string;
  pathType: "Exact" | "Prefix";
  /** Normalised; a prefix carries no trailing slash ("" is everything). */
  path: string;
  conditions?: Conditions;
  authentication: Authentication;
  rateLimit?: RateLimitPolicy;
  /** Infinity: only the idle limit and the caller's own deadline count. */
  timeoutMs: number;
  idleTimeoutMs: number;
  maxBodyBytes: number;
  websocket: boolean;
  cors?: CorsPolicy;
  /** It leads to something that is not the platform's, which gets no workload token. */
  foreign?: boolean;
  /** Where requests go, when that is not `service` and nothing else. Empty: nowhere, answered with 500. */
  backends?: readonly Backend[];
  /** Of one attempt, from its start to the end of its answer. */
  attemptTimeoutMs?: number;
  retry?: Retry;
  requestHeaders?: HeaderChanges;
  responseHeaders?: HeaderChanges;
  redirect?: Redirect;
  rewrite?: Rewrite;
  mirrors?: readonly Mirror[];
  /** Set when the rule is wrong: it keeps its path, so that no weaker rule takes over, and answers 500. */
  invalid?: string;
}
