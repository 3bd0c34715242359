import type { Conditions } from "../data/route.ts";

/** What decides which of several matching routes wins. */
export interface Precedence {
  /** "" any host, "a.example.com" exact, "*.example.com" wildcard. */
  hostname: string;
  pathType: "Exact" | "Prefix";
  path: string;
  conditions?: Conditions | undefined;
  /** Creation time of the object, RFC 3339; "" when it has none. */
  created: string;
  namespace: string;
  name: string;
  ruleIndex: number;
  /** Of the match inside the rule. Absent: 0. */
  matchIndex?: number;
}

/**
 * Total order of Gateway API (HTTPRoute, "matching precedence"): exact host, longest wildcard, any host; exact path,
 * longest prefix; method, more headers, more query parameters; then the oldest object, namespace/name, and the order of
 * the rules and their matches. Negative: `a` wins.
 */
export function comparePrecedence(a: Precedence, b: Precedence): number {
  return (
    hostRank(a.hostname) - hostRank(b.hostname) ||
    b.hostname.length - a.hostname.length ||
    compareText(a.hostname, b.hostname) ||
    pathRank(a.pathType) - pathRank(b.pathType) ||
    b.path.length - a.path.length ||
    compareText(a.path, b.path) ||
    compareConditions(a.conditions, b.conditions) ||
    compareAge(a.created, b.created) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name) ||
    a.ruleIndex - b.ruleIndex ||
    (a.matchIndex ?? 0) - (b.matchIndex ?? 0)
  );
}

function hostRank(hostname: string): number {
  if (hostname === "") return 2;
  return hostname.startsWith("*.") ? 1 : 0;
}

const pathRank = (type: Precedence["pathType"]): number => (type === "Exact" ? 0 : 1);

/** Method before headers before query parameters; more of a kind before fewer. */
function compareConditions(a: Conditions | undefined, b: Conditions | undefined): number {
  return (
    methodRank(b) - methodRank(a) ||
    (b?.headers.length ?? 0) - (a?.headers.length ?? 0) ||
    (b?.query.length ?? 0) - (a?.query.length ?? 0)
  );
}

const methodRank = (conditions: Conditions | undefined): number =>
  conditions?.method === undefined && conditions?.rpcMethod === undefined ? 0 : 1;

/** An object without a creation time counts as the youngest. */
function compareAge(a: string, b: string): number {
  if (a === b) return 0;
  if (a === "") return 1;
  if (b === "") return -1;
  return compareText(a, b);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
