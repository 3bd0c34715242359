import { findCondition, resources } from "@plinth/kube";
import type { Facts } from "./facts.ts";
import { type HttpRoute, httpRoutes } from "./gateway-api.ts";
import { runsSpec } from "./objects/deployment.ts";
import { childOf, childrenOf, type PodNote } from "./observed.ts";
import type { ConditionType, Reason } from "./reasons.ts";
import { rolloutOf } from "./rollout.ts";

/** Why a PlatformService is not what its spec asks for. */
export interface Finding {
  condition: Exclude<ConditionType, "Ready" | "Reconciling" | "Stalled">;
  reason: Reason;
  message: string;
  /** Somebody has to act. */
  stalled?: boolean;
  /** What is deployed serves all the same. */
  serves?: boolean;
  /** Nothing tells the operator when it changes: look again after this time. */
  againAfterMs?: number;
}

export type Check = (facts: Facts) => Finding | undefined;

/** In the order in which things are done; the first finding is what the service waits for. */
export const checks: readonly Check[] = [
  childrenAccepted,
  secretsComplete,
  databaseConfigured,
  databasePrepared,
  busPrepared,
  migrationDone,
  dependenciesServe,
  instancesServe,
  rolloutComplete,
  gatewayThere,
  routeAccepted,
];

export const findAll = (facts: Facts): Finding[] => checks.flatMap((check) => check(facts) ?? []);

const refusedAgainMs = 60_000;
const outsideAgainMs = 10_000;
const gatewayAgainMs = 15_000;

function childrenAccepted({ observed }: Facts): Finding | undefined {
  if (!observed.refused) return undefined;
  const stalled = observed.refused.reason !== "ChildNotWritten";
  return { condition: "Available", ...observed.refused, stalled, againAfterMs: refusedAgainMs };
}

function secretsComplete({ observed }: Facts): Finding | undefined {
  if (!observed.backing || !("trouble" in observed.backing)) return undefined;
  return { condition: "Available", reason: "SecretIncomplete", message: observed.backing.trouble, stalled: true };
}

function databaseConfigured({ service, observed }: Facts): Finding | undefined {
  if (!service.spec.database || observed.databaseServer) return undefined;
  return {
    condition: "DatabaseReady",
    reason: "DatabaseNotConfigured",
    message: "spec.database needs a PostgreSQL server: give the chart postgres.existingSecret and upgrade it",
    stalled: true,
    againAfterMs: outsideAgainMs,
  };
}

function databasePrepared({ service, observed, prepared }: Facts): Finding | undefined {
  if (!service.spec.database || !observed.databaseServer || prepared) return undefined;
  const attempt = observed.databaseAttempt;
  if (attempt && "trouble" in attempt) {
    const { reason, message } = attempt.trouble;
    const stalled = reason !== "DatabaseUnreachable";
    return { condition: "DatabaseReady", reason, message, stalled, againAfterMs: outsideAgainMs };
  }
  return {
    condition: "DatabaseReady",
    reason: "PreparingDatabase",
    message: `schema "${service.spec.database.schema}" and its roles are being made`,
  };
}

function busPrepared({ service, observed, busUrl, backing }: Facts): Finding | undefined {
  if (!service.spec.events || !backing || backing.kafka || busUrl !== undefined) return undefined;
  return {
    condition: "DatabaseReady",
    reason: "BusNotReady",
    message:
      (observed.bus && "trouble" in observed.bus ? observed.bus.trouble.message : undefined) ??
      "spec.events needs a PostgreSQL server that carries the event bus",
    againAfterMs: outsideAgainMs,
  };
}

function migrationDone(facts: Facts): Finding | undefined {
  const { migration, observed, service } = facts;
  const condition = "Migrated";
  if (migration.kind === "none" || migration.kind === "done") return undefined;
  if (migration.kind === "blocked") {
    return { condition, reason: "WaitingForDatabase", message: "migrations start when the database is prepared" };
  }
  if (migration.kind === "needed") {
    return { condition, reason: "MigrationRunning", message: `Job ${migration.name} is being made` };
  }
  const job = migration.job.metadata.name;
  if (migration.kind === "waiting") {
    return { condition, reason: "WaitingForOtherMigration", message: `Job ${job} of an earlier version still runs` };
  }
  if (migration.kind === "failed") {
    const why = migrationError(facts) ?? jobMessage(migration.job);
    return {
      condition,
      reason: "MigrationFailed",
      message: `Job ${job} failed: ${why}. Apply a corrected image or spec, or delete the Job to try the same again`,
      stalled: true,
    };
  }
  const stuck = firstWaiting(observed.migrationPods);
  return stuck
    ? { condition, reason: "MigrationNotStarting", message: `Job ${job}: ${stuck}` }
    : {
        condition,
        reason: "MigrationRunning",
        message: `Job ${job} migrates schema "${service.spec.database?.schema}"`,
      };
}

/** What the migrator said last; once known it is kept, although pods and their logs go. */
export function migrationError({ observed, service, migration }: Facts): string | undefined {
  const said = observed.migrationPods.findLast((pod) => pod.ended && pod.ended.exitCode !== 0)?.ended?.message;
  if (said) return lastLines(said);
  const known = findCondition(service.status?.conditions, "Migrated");
  const sameJob = migration.kind === "failed" && known?.message.includes(migration.job.metadata.name);
  return sameJob && known?.reason === "MigrationFailed" ? service.status?.migration?.lastError : undefined;
}

const lastLinesMax = 10;
const lineCharactersMax = 500;

const lastLines = (text: string): string =>
  text
    .trimEnd()
    .split("\n")
    .slice(-lastLinesMax)
    .map((line) => line.slice(0, lineCharactersMax))
    .join("\n");

function jobMessage(job: NonNullable<typeof resources.jobs.object>): string {
  const failed = findCondition(job.status?.conditions, "Failed");
  return failed?.message ?? failed?.reason ?? "its pods left no message";
}

/** Only before the first start: a dependency that goes down later does not stop what runs. */
function dependenciesServe({ service, observed }: Facts): Finding | undefined {
  if (childOf(observed, resources.deployments, service.metadata.name)) return undefined;
  const missing = observed.dependencies.filter((dependency) => !dependency.available);
  if (missing.length === 0) return undefined;
  const named = missing.map(({ name, found }) => (found ? name : `${name} (does not exist)`)).join(", ");
  return {
    condition: "Available",
    reason: "DependencyNotReady",
    message: `waits for ${named} of spec.dependsOn to serve`,
  };
}

function instancesServe({ service, observed, migration, podInputs }: Facts): Finding | undefined {
  const deployment = childOf(observed, resources.deployments, service.metadata.name);
  const rollout = deployment && rolloutOf(deployment);
  if (rollout?.serving) return undefined;
  const condition = "Available";
  if (!deployment && migration.kind !== "none" && migration.kind !== "done") {
    return { condition, reason: "WaitingForMigration", message: "instances start when the migrations are through" };
  }
  if (!podInputs) {
    return {
      condition,
      reason: "StartingUp",
      message: "the cluster's keys of workload tokens cannot be read yet",
      againAfterMs: outsideAgainMs,
    };
  }
  const stuck = firstWaiting(observed.serverPods);
  if (stuck) {
    const stalled = rollout?.failed !== undefined;
    return { condition, reason: "PodsNotStarting", message: stuck, stalled };
  }
  const count = rollout ? `${rollout.available} of ${rollout.desired} instances serve` : "instances are being made";
  return { condition, reason: "StartingUp", message: count };
}

function rolloutComplete({ service, observed, podInputs }: Facts): Finding | undefined {
  const deployment = childOf(observed, resources.deployments, service.metadata.name);
  if (!deployment || !podInputs) return undefined;
  const rollout = rolloutOf(deployment);
  const condition = "Available";
  if (rollout.failed !== undefined) {
    const why = firstWaiting(observed.serverPods) ?? rollout.failed;
    const message = `new instances did not become ready: ${why}`;
    return { condition, reason: "RolloutFailed", message, stalled: true };
  }
  if (rollout.complete && runsSpec(deployment, podInputs)) return undefined;
  const stuck = firstWaiting(observed.serverPods);
  return {
    condition,
    reason: "RollingOut",
    message: `${rollout.updated} of ${rollout.desired} instances are new, ${rollout.available} serve${stuck ? `; ${stuck}` : ""}`,
  };
}

function gatewayThere({ service, observed, settings }: Facts): Finding | undefined {
  if (!service.spec.route) return undefined;
  const condition = "RouteAccepted";
  const { name, namespace } = settings.gateway;
  if (!observed.gatewayApi.served) {
    return {
      condition,
      reason: "GatewayApiMissing",
      message: "spec.route needs the Gateway API: install its CRDs (gateway.networking.k8s.io/v1)",
      againAfterMs: gatewayAgainMs,
    };
  }
  if (observed.gatewayApi.gateway) return undefined;
  return {
    condition,
    reason: "GatewayMissing",
    message: `spec.route needs the Gateway ${namespace}/${name}, which does not exist`,
  };
}

function routeAccepted(facts: Facts): Finding | undefined {
  const { service, observed } = facts;
  if (!service.spec.route || !observed.gatewayApi.served) return undefined;
  const condition = "RouteAccepted";
  const routes = childrenOf(observed, httpRoutes);
  if (routes.length === 0) {
    return { condition, reason: "WaitingForInstances", message: "the route is made when instances serve" };
  }
  for (const route of routes) {
    const verdict = verdictOf(route, facts);
    if (verdict) return { condition, ...verdict };
  }
  return undefined;
}

function verdictOf(route: HttpRoute, { settings }: Facts): Omit<Finding, "condition"> | undefined {
  const { name, namespace } = settings.gateway;
  const parent = route.status?.parents?.find(
    ({ parentRef }) => parentRef.name === name && (parentRef.namespace ?? route.metadata.namespace) === namespace,
  );
  const waiting = `Gateway ${namespace}/${name} has not looked at HTTPRoute ${route.metadata.name} yet`;
  for (const type of ["Accepted", "ResolvedRefs"]) {
    const condition = findCondition(parent?.conditions, type);
    const stale = (condition?.observedGeneration ?? 0) < (route.metadata.generation ?? 0);
    if (!condition || stale || condition.status === "Unknown") {
      // While the gateway looks at a new version of the route it serves the one before.
      return { reason: "WaitingForGateway", message: waiting, serves: condition?.status === "True" };
    }
    if (condition.status !== "True") {
      const message = `${condition.reason ?? type}: ${condition.message ?? "the gateway gives no message"}`;
      return { reason: "RouteRefused", message, stalled: true };
    }
  }
  return undefined;
}

function firstWaiting(pods: readonly PodNote[]): string | undefined {
  for (const { pod, waiting, ended } of pods) {
    if (!waiting) continue;
    const last =
      ended && ended.exitCode !== 0 ? `; it ended with exit code ${ended.exitCode}: ${lastLines(ended.message)}` : "";
    return `pod ${pod}: ${waiting.reason}${waiting.message ? `: ${waiting.message}` : ""}${last}`;
  }
  return undefined;
}
