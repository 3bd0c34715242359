import { resources } from "@plinth/kube";
import type { Finding } from "./checks.ts";
import type { Child } from "./child.ts";
import type { Facts } from "./facts.ts";
import { httpRoutes, routePolicies } from "./gateway-api.ts";
import { deployment } from "./objects/deployment.ts";
import { horizontalPodAutoscaler } from "./objects/horizontal-pod-autoscaler.ts";
import { httpRoute, routeParts } from "./objects/http-route.ts";
import { migrationJob } from "./objects/migration-job.ts";
import { networkPolicy } from "./objects/network-policy.ts";
import { podDisruptionBudget } from "./objects/pod-disruption-budget.ts";
import { routePolicy } from "./objects/route-policy.ts";
import { busSecret, databaseSecret, ddlSecret, kafkaSecret, redisSecret } from "./objects/secrets.ts";
import { serviceOf } from "./objects/service.ts";
import { serviceAccount } from "./objects/service-account.ts";
import { workloadKeys } from "./objects/workload-keys.ts";
import { childOf } from "./observed.ts";

export interface Desired {
  /** In the order in which they are applied. */
  children: readonly Child[];
  /** Kinds of which children that are not listed may go now. */
  prunable: ReadonlySet<string>;
}

/** What should exist now. Later stages are left out until earlier ones are through: schema, migrations, instances, route. */
export function desiredChildren(facts: Facts, findings: readonly Finding[]): Desired {
  const { service, settings } = facts;
  const { spec } = service;
  const rolledOut = !findings.some(({ condition }) => condition !== "RouteAccepted");
  const withRoute = spec.route !== undefined && facts.observed.gatewayApi.served && rolledOut;
  const parts = withRoute ? routeParts(service) : [];
  const children: (Child | undefined)[] = [
    spec.pod?.serviceAccountName ? undefined : serviceAccount(service),
    facts.observed.workloadKeys && workloadKeys(service, facts.observed.workloadKeys.jwks),
    ...secrets(facts),
    serviceOf(service),
    networkPolicy(service, settings),
    podDisruptionBudget(service),
    job(facts),
    instances(facts, findings),
    horizontalPodAutoscaler(service),
    // The policy first: a route must not be open for a moment.
    ...parts.map((part) => routePolicy(service, part)),
    ...parts.map((part) => httpRoute(service, settings, part)),
  ];
  return { children: children.filter((each) => each !== undefined), prunable: prunable(facts, rolledOut) };
}

function secrets({ service, access, prepared, busUrl, backing }: Facts): (Child | undefined)[] {
  return [
    ...(access ? [ddlSecret(service, access, prepared), databaseSecret(service, access)] : []),
    busUrl === undefined ? undefined : busSecret(service, busUrl),
    backing?.kafka && kafkaSecret(service, backing.kafka),
    backing?.redis && redisSecret(service, backing.redis),
  ];
}

function job({ service, settings, access, migration }: Facts): Child | undefined {
  if (migration.kind !== "needed" || !access) return undefined;
  return migrationJob({ service, settings, access, name: migration.name, migration: migration.migration });
}

/** Not before its first time comes; afterwards always, with old or new pods. */
function instances(facts: Facts, findings: readonly Finding[]): Child | undefined {
  const { service, observed, migration, podInputs } = facts;
  const existing = childOf(observed, resources.deployments, service.metadata.name);
  const held = findings.some(
    ({ condition, reason }) => condition === "DatabaseReady" || reason === "DependencyNotReady",
  );
  if (!podInputs || (!existing && held)) return undefined;
  const through = !held && (migration.kind === "none" || migration.kind === "done");
  const migrated = through ? (migration.kind === "done" ? migration.migration : "none") : undefined;
  return deployment({ ...podInputs, existing, migrated });
}

/**
 * What pods refer to goes when no pod refers to it any more. A route goes as soon as the spec has none, or after the rollout
 * when it has another one.
 */
function prunable({ service, observed }: Facts, rolledOut: boolean): ReadonlySet<string> {
  const always = [resources.horizontalPodAutoscalers, resources.podDisruptionBudgets, resources.networkPolicies];
  const replaced = rolledOut && observed.gatewayApi.served;
  const unrouted = service.spec.route === undefined || replaced ? [httpRoutes, routePolicies] : [];
  const afterwards = rolledOut ? [resources.secrets, resources.serviceAccounts, resources.jobs] : [];
  return new Set([...always, ...unrouted, ...afterwards].map(({ kind }) => kind));
}
