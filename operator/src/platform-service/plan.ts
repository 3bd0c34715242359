import { type KubeObject, type ObjectRef, type Resource, resources } from "@plinth/kube";
import type { PlatformServiceStatus } from "@plinth/platform";
import { type Finding, findAll } from "./checks.ts";
import type { Child } from "./child.ts";
import { desiredChildren } from "./desired.ts";
import { covers } from "./drift.ts";
import { deriveFacts, type Facts } from "./facts.ts";
import { annotations } from "./labels.ts";
import { isObsolete } from "./migration.ts";
import { childrenOf, isLiving, type Observed } from "./observed.ts";
import { childResources, type ServiceObject } from "./resources.ts";
import type { PlatformSettings } from "./settings.ts";
import { computeStatus } from "./status.ts";

/** A child that is not wanted any more; exactly this version of it. */
export interface Unwanted {
  resource: Resource;
  ref: ObjectRef;
  uid: string | undefined;
  resourceVersion: string | undefined;
}

/** What to write, in order. Empty lists and an equal status mean: nothing. */
export interface Plan {
  apply: readonly Child[];
  prune: readonly Unwanted[];
  status: PlatformServiceStatus;
  /** The first thing that is not as it should be. */
  finding: Finding | undefined;
  /** Nothing will tell when to look again; absent when changes in the cluster do. */
  againAfterMs?: number;
}

/** Decides everything from what was read. Pure: the same input gives the same plan, and a plan once carried out gives an empty one. */
export function plan(service: ServiceObject, settings: PlatformSettings, observed: Observed, nowMs: number): Plan {
  const facts = deriveFacts(service, settings, observed);
  const findings = findAll(facts);
  const status = computeStatus(facts, findings, nowMs);
  const finding = findings[0];
  const again = finding?.againAfterMs === undefined ? {} : { againAfterMs: finding.againAfterMs };
  if (service.spec.paused) return { apply: [], prune: [], status, finding };
  const desired = desiredChildren(facts, findings);
  return {
    apply: desired.children.filter((child) => differs(child, observed.children)),
    prune: unwanted(facts, desired.children, desired.prunable),
    status,
    finding,
    ...again,
  };
}

function differs({ resource, object, how }: Child, children: readonly KubeObject[]): boolean {
  const live = children.find(({ kind, metadata }) => kind === resource.kind && metadata.name === object.metadata.name);
  if (!live) return true;
  if (how === "create" || live.metadata.deletionTimestamp) return false;
  const hash = object.metadata.annotations?.[annotations.applied];
  return live.metadata.annotations?.[annotations.applied] !== hash || !covers(live, object, resource.kind);
}

/**
 * Children of kinds that may be pruned now and that the plan does not mention, in the reverse order of their making: a route
 * goes before its policy, so that it is not open for a moment. Jobs have rules of their own.
 */
function unwanted(facts: Facts, wanted: readonly Child[], prunable: ReadonlySet<string>): Unwanted[] {
  const { service, observed, migration } = facts;
  const kept = new Set(wanted.map(({ resource, object }) => `${resource.kind}/${object.metadata.name}`));
  const isUnwanted = (object: KubeObject): boolean =>
    prunable.has(object.kind ?? "") &&
    isLiving(object, service) &&
    !kept.has(`${object.kind}/${object.metadata.name}`) &&
    (object.kind !== resources.jobs.kind || isObsolete(object as never, migration));
  return (childResources as readonly Resource[]).toReversed().flatMap((resource) =>
    childrenOf(observed, resource)
      .filter(isUnwanted)
      .map(({ metadata: { name, namespace, uid, resourceVersion } }) => ({
        resource,
        ref: { name, namespace },
        uid,
        resourceVersion,
      })),
  );
}
