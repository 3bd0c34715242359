import type { Check, Finding } from "../check.ts";
import { skewFinding, skewHint } from "../clock-skew.ts";
import type { ClusterContext } from "./cluster-context.ts";

const category = "kubernetes";
export const apiName = "api server";
export const rightsName = "rights";

/** Minor version of Kubernetes 1 that the charts are made for. */
const minorMin = 31;

/** The API server, the time, and what this account may look at. */
export const apiChecks: readonly Check<ClusterContext>[] = [
  {
    category,
    name: apiName,
    anchor: "cluster-api-server",
    hint: "name the cluster with --kubeconfig and --context; kubectl cluster-info must work",
    async run(context) {
      const { body } = await context.transport.send({ method: "GET", path: "/version" });
      const { gitVersion = "", minor = "" } = body as { gitVersion?: string; minor?: string };
      const message = `${context.config.server} answers, Kubernetes ${gitVersion}`;
      if (Number.parseInt(minor, 10) >= minorMin) return { status: "ok", message };
      return { status: "warning", message, hint: `Plinth is made for Kubernetes 1.${minorMin} and later: upgrade` };
    },
  },
  {
    category,
    name: "clock",
    anchor: "cluster-clock",
    hint: skewHint,
    needs: [apiName],
    async run({ clock, transport }) {
      const before = clock.now();
      const { dateMs } = await transport.send({ method: "GET", path: "/version" });
      if (dateMs === undefined) return { status: "ok", message: "the API server does not tell the time" };
      // The header tells whole seconds.
      return skewFinding(dateMs, [before - 1_000, clock.now()], "the API server");
    },
  },
  {
    category,
    name: rightsName,
    anchor: "cluster-rights",
    hint: "ask for the ClusterRole view and the roles of the chart, or use another --context",
    needs: [apiName],
    run: rights,
  },
];

interface Right {
  verb: string;
  group: string;
  resource: string;
  /** Absent: in all namespaces. */
  namespace?: string;
}

/** What the checks read; without one of them its checks say nothing. */
const needed = (namespace: string): Right[] => [
  { verb: "list", group: "plinth.dev", resource: "platformservices" },
  { verb: "list", group: "", resource: "pods" },
  { verb: "get", group: "apps", resource: "deployments", namespace },
  { verb: "get", group: "coordination.k8s.io", resource: "leases", namespace },
  { verb: "list", group: "gateway.networking.k8s.io", resource: "gateways" },
  { verb: "get", group: "gateway.networking.k8s.io", resource: "gatewayclasses" },
  { verb: "get", group: "apiextensions.k8s.io", resource: "customresourcedefinitions" },
];

async function rights(context: ClusterContext): Promise<Finding> {
  const wanted = needed(context.platformNamespace);
  const missing: string[] = [];
  for (const right of wanted) {
    if (await mayI(context, right)) continue;
    const where = right.namespace === undefined ? "in all namespaces" : `in namespace ${right.namespace}`;
    missing.push(`${right.verb} ${right.resource}${right.group ? `.${right.group}` : ""} ${where}`);
  }
  if (missing.length === 0) return { status: "ok", message: `this account may read what the checks need` };
  return { status: "failed", message: `this account may not ${missing.join(", ")}` };
}

/** Asks with a SelfSubjectAccessReview, which everybody may make. */
export async function mayI(
  { transport }: Pick<ClusterContext, "transport">,
  { verb, group, resource, namespace }: Right,
): Promise<boolean> {
  const { body } = await transport.send({
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { verb, group, resource, ...(namespace ? { namespace } : {}) } },
    },
  });
  return (body as { status?: { allowed?: boolean } }).status?.allowed === true;
}
