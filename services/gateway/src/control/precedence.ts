/** What decides which of several matching routes wins. */
export interface Precedence {
  /** "" any host, "a.example.com" exact, "*.example.com" wildcard. */
  hostname: string;
  pathType: "Exact" | "Prefix";
  path: string;
  /** Creation time of the object, RFC 3339; "" when it has none. */
  created: string;
  namespace: string;
  name: string;
  ruleIndex: number;
}

/**
 * Total order of Gateway API (HTTPRoute, "matching precedence"): exact host, longest wildcard, any host; exact path,
 * longest prefix; then the oldest object, namespace/name, and the order of the rules. Negative: `a` wins.
 */
export function comparePrecedence(a: Precedence, b: Precedence): number {
  return (
    hostRank(a.hostname) - hostRank(b.hostname) ||
    b.hostname.length - a.hostname.length ||
    compareText(a.hostname, b.hostname) ||
    pathRank(a.pathType) - pathRank(b.pathType) ||
    b.path.length - a.path.length ||
    compareText(a.path, b.path) ||
    compareAge(a.created, b.created) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name) ||
    a.ruleIndex - b.ruleIndex
  );
}

function hostRank(hostname: string): number {
  if (hostname === "") return 2;
  return hostname.startsWith("*.") ? 1 : 0;
}

const pathRank = (type: Precedence["pathType"]): number => (type === "Exact" ? 0 : 1);

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
