import { type Condition, type ConditionUpdate, setCondition } from "@plinth/kube";
import type {
  AncestorVerdict,
  ClassStatus,
  CompiledCluster,
  GatewayStatus,
  ParentVerdict,
} from "./compile/compiled-cluster.ts";
import {
  controllerName,
  type Gateway,
  type GatewayClass,
  type GrpcRoute,
  gatewayApiGroup,
  type HttpRoute,
  type ParentReference,
  type ParentStatus,
} from "./gateway-api.ts";
import type { AncestorStatus, RoutePolicy } from "./route-policies.ts";

/** As the CRDs have it. */
const parentsMax = 32;
const ancestorsMax = 16;

/**
 * What of an object's status is to be replaced so that it says what was found; undefined when it does. What other
 * controllers wrote stays where it is: conditions of other types, parents and ancestors of other controllers.
 */
export function statusPatch(
  kind: string,
  key: string,
  object: unknown,
  statuses: CompiledCluster["statuses"],
  nowMs: number,
): object | undefined {
  const next = nextStatus(kind, key, object, statuses, nowMs);
  if (next === undefined) return undefined;
  const current = (object as { status?: object }).status ?? {};
  const changed = Object.entries(next).filter(
    ([field, value]) => !isEqual((current as Record<string, unknown>)[field] ?? [], value),
  );
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}

function nextStatus(
  kind: string,
  key: string,
  object: unknown,
  statuses: CompiledCluster["statuses"],
  nowMs: number,
): object | undefined {
  switch (kind) {
    case "GatewayClass":
      return classStatus(object as GatewayClass, statuses.gatewayClasses.get(key), nowMs);
    case "Gateway":
      return gatewayStatus(object as Gateway, statuses.gateways.get(key), nowMs);
    case "HTTPRoute":
      return routeStatus(object as HttpRoute, statuses.httpRoutes.get(key), nowMs);
    case "GRPCRoute":
      return routeStatus(object as GrpcRoute, statuses.grpcRoutes.get(key), nowMs);
    default:
      return policyStatus(object as RoutePolicy, statuses.routePolicies.get(key), nowMs);
  }
}

function classStatus({ status }: GatewayClass, wanted: ClassStatus | undefined, nowMs: number): object | undefined {
  return (
    wanted && {
      conditions: withConditions(status?.conditions, wanted.conditions, nowMs),
      supportedFeatures: wanted.supportedFeatures.map((name) => ({ name })),
    }
  );
}

function gatewayStatus({ status }: Gateway, wanted: GatewayStatus | undefined, nowMs: number): object | undefined {
  if (wanted === undefined) return undefined;
  const known = new Map((status?.listeners ?? []).map((listener) => [listener.name, listener]));
  return {
    conditions: withConditions(status?.conditions, wanted.conditions, nowMs),
    addresses: wanted.addresses,
    listeners: wanted.listeners.map((listener) => ({
      ...listener,
      conditions: withConditions(known.get(listener.name)?.conditions, listener.conditions, nowMs),
    })),
  };
}

function routeStatus(
  { status }: HttpRoute | GrpcRoute,
  wanted: readonly ParentVerdict[] | undefined,
  nowMs: number,
): object | undefined {
  const parents = ownEntries<ParentStatus, ParentVerdict>(status?.parents, wanted, {
    isSame: (verdict, entry) => isSameParent(verdict.parentRef, entry.parentRef),
    make: ({ parentRef }) => ({ parentRef, controllerName }),
    entriesMax: parentsMax,
    nowMs,
  });
  return parents && { parents };
}

function policyStatus(
  { status }: RoutePolicy,
  wanted: readonly AncestorVerdict[] | undefined,
  nowMs: number,
): object | undefined {
  const ancestors = ownEntries<AncestorStatus, AncestorVerdict>(status?.ancestors, wanted, {
    isSame: (verdict, entry) => isEqual(verdict.ancestorRef, entry.ancestorRef),
    make: ({ ancestorRef }) => ({ ancestorRef, controllerName }),
    entriesMax: ancestorsMax,
    nowMs,
  });
  return ancestors && { ancestors };
}

interface OwnEntries<Entry, Verdict> {
  isSame: (verdict: Verdict, entry: Entry) => boolean;
  make: (verdict: Verdict) => Omit<Entry, "conditions">;
  entriesMax: number;
  nowMs: number;
}

/** Entries of other controllers as they are, ours as wanted; undefined when there is none and none was there. */
function ownEntries<
  Entry extends { controllerName: string; conditions?: readonly Condition[] },
  Verdict extends { conditions: readonly ConditionUpdate[] },
>(
  known: readonly Entry[] = [],
  wanted: readonly Verdict[] = [],
  { isSame, make, entriesMax, nowMs }: OwnEntries<Entry, Verdict>,
): object[] | undefined {
  const left = [...wanted];
  const kept = known.flatMap((entry): object[] => {
    if (entry.controllerName !== controllerName) return [entry];
    const at = left.findIndex((verdict) => isSame(verdict, entry));
    const [verdict] = at === -1 ? [] : left.splice(at, 1);
    return verdict ? [{ ...entry, conditions: only(entry.conditions, verdict.conditions, nowMs) }] : [];
  });
  const added = left.map((verdict) => ({ ...make(verdict), conditions: only(undefined, verdict.conditions, nowMs) }));
  const entries = [...kept, ...added].slice(0, entriesMax);
  return entries.length === 0 && known.length === 0 ? undefined : entries;
}

/** With the conditions of others. */
function withConditions(
  known: readonly Condition[] | undefined,
  updates: readonly ConditionUpdate[],
  nowMs: number,
): readonly Condition[] {
  let conditions = known ?? [];
  for (const update of updates) conditions = setCondition(conditions, update, nowMs);
  return conditions;
}

/** For an entry that is ours alone: conditions that are not meant any more go. */
function only(
  known: readonly Condition[] | undefined,
  updates: readonly ConditionUpdate[],
  nowMs: number,
): Condition[] {
  const types = new Set(updates.map(({ type }) => type));
  return [
    ...withConditions(
      (known ?? []).filter(({ type }) => types.has(type)),
      updates,
      nowMs,
    ),
  ];
}

/** The API server fills in group and kind where they are left out. */
function isSameParent(a: ParentReference, b: ParentReference): boolean {
  const normal = ({
    group = gatewayApiGroup,
    kind = "Gateway",
    namespace,
    name,
    sectionName,
    port,
  }: ParentReference) => [group, kind, namespace, name, sectionName, port];
  return isEqual(normal(a), normal(b));
}

/** Whatever the order of the fields. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => isEqual(left[name], right[name]));
}
