import { isTrue, resources } from "@plinth/kube";
import { platformServiceCrd, routePolicyCrd } from "@plinth/platform";
import type { Check, Finding } from "../check.ts";
import { apiName } from "./api-checks.ts";
import { type ClusterContext, type GatewayCondition, gatewayClasses, gateways } from "./cluster-context.ts";

const category = "installation";
export const kindsName = "custom resources";
export const gatewayApiName = "gateway api";
const operatorName = "plinth-operator";
const gatewayClass = "plinth";

/** CRDs, operator and gateway: what the chart installs. */
export const installChecks: readonly Check<ClusterContext>[] = [
  {
    category,
    name: kindsName,
    anchor: "cluster-custom-resources",
    hint: "helm upgrade the chart of this version: it brings the CRDs with it",
    needs: [apiName],
    run: customResources,
  },
  {
    category,
    name: "operator",
    anchor: "cluster-operator",
    hint: "see kubectl -n NAMESPACE describe deployment plinth-operator, and its pods' logs",
    needs: [apiName],
    run: operator,
  },
  {
    category,
    name: "leader",
    anchor: "cluster-leader",
    hint: "see the logs of plinth-operator: it cannot reach the API server, or may not update its Lease",
    needs: ["operator"],
    run: leader,
  },
  {
    category,
    name: gatewayApiName,
    anchor: "cluster-gateway-api",
    hint: "install the CRDs of the Gateway API 1.6; without them no PlatformService with a route becomes ready",
    needs: [apiName],
    async run({ client }) {
      const served = await client.serves(gateways);
      return served
        ? { status: "ok", message: "the cluster knows gateway.networking.k8s.io/v1" }
        : { status: "failed", message: "the cluster does not know gateway.networking.k8s.io/v1" };
    },
  },
  {
    category,
    name: "gateway",
    anchor: "cluster-gateway",
    hint: "see kubectl describe gateway, and the logs of the pods of PlatformService gateway",
    needs: [gatewayApiName],
    run: gatewayFindings,
  },
];

async function customResources({ client }: ClusterContext): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const wanted of [platformServiceCrd(), routePolicyCrd()] as { metadata: { name: string } }[]) {
    const { name } = wanted.metadata;
    const found = await client.find(resources.customResourceDefinitions, { name });
    if (!found) {
      const hint = "install Plinth first: docs/kubernetes.md; or name the right cluster with --context";
      findings.push({ status: "failed", message: `${name} is not installed`, hint });
    } else if (!isTrue(found.status?.conditions, "Established")) {
      const names = found.status?.conditions?.find(({ type }) => type === "NamesAccepted");
      findings.push({ status: "failed", message: `${name} is not established: ${names?.message ?? "wait a moment"}` });
    } else findings.push(sameVersion(name, wanted, found));
  }
  return findings;
}

function sameVersion(name: string, wanted: object, found: object): Finding {
  const [ours, theirs] = [fieldsOf(wanted), fieldsOf(found)];
  const missing = [...ours].filter((field) => !theirs.has(field));
  const more = [...theirs].filter((field) => !ours.has(field));
  if (missing.length > 0)
    return { status: "failed", message: `${name} is older than this CLI: it lacks ${some(missing)}` };
  if (more.length > 0) {
    const hint = "use the CLI of the release that is installed";
    return { status: "warning", message: `${name} is newer than this CLI: it has ${some(more)}`, hint };
  }
  return { status: "ok", message: `${name} is established and of this version` };
}

const namedMax = 3;

const some = (fields: readonly string[]): string =>
  fields.slice(0, namedMax).join(", ") + (fields.length > namedMax ? ` and ${fields.length - namedMax} more` : "");

/** Paths of all fields of the schema. The API server keeps a schema as it was sent, but adds to what stands around it. */
function fieldsOf(crd: object): Set<string> {
  const { spec } = crd as { spec: { versions: { schema?: { openAPIV3Schema?: object } }[] } };
  const fields = new Set<string>();
  const walk = (schema: unknown, at: string): void => {
    if (typeof schema !== "object" || schema === null) return;
    const { properties, items, additionalProperties } = schema as Record<string, unknown>;
    for (const [name, inner] of Object.entries(properties ?? {})) {
      const field = at === "" ? name : `${at}.${name}`;
      fields.add(field);
      walk(inner, field);
    }
    walk(items, at);
    walk(additionalProperties, at);
  };
  walk(spec.versions[0]?.schema?.openAPIV3Schema, "");
  return fields;
}

async function operator({ client, platformNamespace: namespace }: ClusterContext): Promise<Finding> {
  const deployment = await client.find(resources.deployments, { namespace, name: operatorName });
  if (!deployment) {
    const hint = "install Plinth first, or name its namespace with -n";
    return { status: "failed", message: `there is no Deployment ${namespace}/${operatorName}`, hint };
  }
  const { availableReplicas = 0 } = deployment.status ?? {};
  const wanted = deployment.spec?.replicas ?? 1;
  const message = `${availableReplicas} of ${wanted} instances of ${namespace}/${operatorName} are available`;
  const status = availableReplicas === 0 ? "failed" : availableReplicas < wanted ? "warning" : "ok";
  return { status, message, hint: `see kubectl -n ${namespace} describe deployment ${operatorName}` };
}

async function leader({ client, clock, platformNamespace: namespace }: ClusterContext): Promise<Finding> {
  const lease = await client.find(resources.leases, { namespace, name: operatorName });
  const { holderIdentity, renewTime, leaseDurationSeconds = 15 } = lease?.spec ?? {};
  if (!holderIdentity || renewTime === undefined) {
    return { status: "failed", message: `nobody leads: Lease ${namespace}/${operatorName} has no holder` };
  }
  const ageS = Math.round((clock.now() - Date.parse(String(renewTime))) / 1_000);
  if (ageS > leaseDurationSeconds) {
    return { status: "failed", message: `nobody leads: ${holderIdentity} renewed its Lease ${ageS} s ago` };
  }
  return { status: "ok", message: `${holderIdentity} leads` };
}

async function gatewayFindings(context: ClusterContext): Promise<Finding[]> {
  const all = await context.gateways();
  const own = all.filter(
    ({ metadata, spec }) => spec.gatewayClassName === gatewayClass || metadata.namespace === context.platformNamespace,
  );
  if (own.length === 0) {
    const hint = "set gateway.create of the chart, or make a Gateway of class plinth";
    return [{ status: "failed", message: "there is no Gateway for routes to attach to", hint }];
  }
  const findings: Finding[] = [];
  for (const name of new Set(own.map(({ spec }) => spec.gatewayClassName))) {
    const found = await context.client.find(gatewayClasses, { name });
    findings.push(
      found
        ? conditionFinding(`GatewayClass ${name}`, found.status?.conditions, "Accepted")
        : {
            status: "failed",
            message: `GatewayClass ${name} does not exist`,
            hint: "install the gateway that serves it",
          },
    );
  }
  return [
    ...findings,
    ...own.map(({ metadata, status }) =>
      conditionFinding(`Gateway ${metadata.namespace}/${metadata.name}`, status?.conditions, "Programmed"),
    ),
  ];
}

function conditionFinding(what: string, conditions: readonly GatewayCondition[] | undefined, type: string): Finding {
  const found = conditions?.find((condition) => condition.type === type);
  if (found?.status === "True") return { status: "ok", message: `${what} is ${type.toLowerCase()}` };
  const why = found ? `${found.reason}: ${found.message ?? ""}` : "no gateway has looked at it yet";
  return { status: "failed", message: `${what} is not ${type.toLowerCase()}: ${why}` };
}
