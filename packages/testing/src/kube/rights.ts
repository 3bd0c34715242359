/** A rule of a Role or ClusterRole, as far as it is compared. */
export interface GrantedRule {
  apiGroups?: readonly string[];
  resources?: readonly string[];
  nonResourceURLs?: readonly string[];
  verbs: readonly string[];
}

/** One verb on one kind, for example "patch apps/deployments" and "list /pods", or on a path: "get /openid/v1/jwks". */
export type Right = string;

export const rightsOf = (rules: readonly GrantedRule[]): Right[] =>
  rules.flatMap(({ apiGroups = [], resources = [], nonResourceURLs = [], verbs }) => {
    const kinds = apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource}`));
    return [...kinds, ...nonResourceURLs].flatMap((what) => verbs.map((verb) => `${verb} ${what}`));
  });

const objectPath =
  /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)(?:\/namespaces\/[^/]+)?(?:\/([^/]+))?(?:\/([^/]+))?(?:\/([^/]+))?$/;

/** What a request to the API server needs. */
export function rightOfRequest(method: string, path: string, watch: boolean): Right {
  const match = objectPath.exec(path);
  if (!match) return `get ${path}`;
  const [, group = "", resource, name, subresource] = match;
  const verbs: Record<string, string> = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };
  const verb = verbs[method] ?? (watch ? "watch" : name ? "get" : "list");
  return `${verb} ${group}/${resource}${subresource ? `/${subresource}` : ""}`;
}

/** Those that nobody used. Server-side apply of what does not exist yet needs `create` beside the `patch` that is seen. */
export const unusedRights = (granted: readonly Right[], used: ReadonlySet<Right>): Right[] =>
  granted.filter((right) => !used.has(right) && !(right.startsWith("create ") && used.has(`patch ${right.slice(7)}`)));
