import { objectKey } from "@plinth/kube";
import { ruleDefaults } from "../../control/compile-rule.ts";
import type { Backend, Retry, Route } from "../../data/route.ts";
import type { GrpcRoute, HttpRoute, HttpRouteRule } from "../gateway-api.ts";
import type { ClusterView } from "./cluster-view.ts";
import { compileBackends } from "./compile-backends.ts";
import { compileFilters } from "./compile-filters.ts";
import { type CompiledMatch, compileGrpcMatch, compileHttpMatch } from "./compile-matches.ts";
import { type Policies, plainSettings, platformSettings, type RuleSettings } from "./compile-policies.ts";
import type { Finding } from "./finding.ts";
import { gatewayDurationMs } from "./gateway-duration.ts";
import type { RouteKind } from "./listener.ts";

/** A rule for one of its matches, before it is known for which hosts. */
export interface RuleMatch {
  route: Omit<Route, "hostname">;
  ruleIndex: number;
  matchIndex: number;
}

export interface CompiledRules {
  matches: readonly RuleMatch[];
  /** The first reference that leads nowhere. */
  unresolved: Finding | undefined;
  /** The first rule that cannot be carried out as it is written. */
  invalid: (Finding & { all: boolean }) | undefined;
}

/** One route, of which kind it may be. */
export type RouteObject = { kind: "HTTPRoute"; object: HttpRoute } | { kind: "GRPCRoute"; object: GrpcRoute };

/** Label of the objects that the operator made for a PlatformService. */
const platformLabel = "plinth.dev/service";

interface Rule extends Pick<HttpRouteRule, "name" | "filters" | "backendRefs" | "timeouts" | "retry"> {
  matches: readonly (CompiledMatch | Finding)[];
}

/** Everything about a route that does not depend on the listeners that it is attached to. */
export function compileRules(view: ClusterView, policies: Policies, route: RouteObject): CompiledRules {
  const matches: RuleMatch[] = [];
  const invalid: Finding[] = [];
  let unresolved: Finding | undefined;
  const rules = rulesOf(route);
  const settingsOf = settingsFor(policies, route);
  for (const [ruleIndex, rule] of rules.entries()) {
    const id = `${objectKey(route.object.metadata)}/${rule.name ?? ruleIndex}`;
    const settings = settingsOf(rule.name, id);
    const report = (finding: Finding): void => {
      unresolved ??= finding;
    };
    const compiled = compileRule({ view, kind: route.kind, namespace: namespaceOf(route), rule, settings, report });
    if (compiled.invalid !== undefined) invalid.push(compiled.invalid);
    for (const [matchIndex, match] of rule.matches.entries())
      if (!("reason" in match)) matches.push({ route: { id, ...match, ...compiled.route }, ruleIndex, matchIndex });
  }
  const [first] = invalid;
  return { matches, unresolved, invalid: first && { ...first, all: invalid.length === rules.length } };
}

const namespaceOf = ({ object }: RouteObject): string => object.metadata.namespace ?? "";

function rulesOf(route: RouteObject): Rule[] {
  const any = [{}];
  if (route.kind === "HTTPRoute")
    return (route.object.spec.rules ?? []).map((rule) => ({
      ...rule,
      matches: (rule.matches?.length ? rule.matches : any).map(compileHttpMatch),
    }));
  return (route.object.spec.rules ?? []).map((rule) => ({
    ...rule,
    matches: (rule.matches?.length ? rule.matches : any).map(compileGrpcMatch),
  }));
}

/**
 * By policy; without one, a route of a PlatformService is as closed as one with an empty policy: its policy may come a
 * moment later, and nothing is to be open until then.
 */
function settingsFor(
  policies: Policies,
  { kind, object }: RouteObject,
): (rule: string | undefined, id: string) => RuleSettings {
  const policy = policies.of(kind, object.metadata);
  if (policy) return (rule, id) => policies.settings(policy, rule, id);
  return () => (isOfPlatform(object) ? platformSettings : plainSettings);
}

const isOfPlatform = (object: HttpRoute | GrpcRoute): boolean => object.metadata.labels?.[platformLabel] !== undefined;

interface RuleInputs {
  view: ClusterView;
  kind: RouteKind;
  namespace: string;
  rule: Rule;
  settings: RuleSettings;
  report: (finding: Finding) => void;
}

/** A rule that cannot be carried out keeps its matches and answers 500, so that no weaker rule takes over. */
function compileRule(inputs: RuleInputs): {
  route: Omit<Route, "hostname" | "id" | keyof CompiledMatch>;
  invalid: Finding | undefined;
} {
  const { view, kind, namespace, rule, settings, report } = inputs;
  const from = { kind, namespace };
  const platform = !settings.foreign;
  const filters = compileFilters({ view, from, platform, report }, rule.filters ?? []);
  const times = compileTimes(rule);
  const backends = compileBackends(view, from, rule.backendRefs ?? [], report);
  const matchProblem = rule.matches.find((match): match is Finding => "reason" in match);
  const problem = "reason" in filters ? filters : "reason" in times ? times : undefined;
  const message = settings.invalid ?? problem?.message;
  return {
    route: {
      service: labelOf(backends),
      ...settings,
      ...("reason" in times ? { timeoutMs: ruleDefaults.timeoutMs } : times),
      ...("reason" in filters ? {} : filters),
      backends,
      ...(message === undefined ? {} : { invalid: message }),
    },
    invalid: matchProblem ?? problem,
  };
}

/** For the access log: the first backend that exists. */
const labelOf = (backends: readonly Backend[]): string =>
  backends.find(({ service }) => service !== undefined)?.service ?? "none";

type Times = Pick<Route, "timeoutMs" | "attemptTimeoutMs" | "retry">;

/** Further attempts when `retry` names no number, and the wait before each when it names none. */
const retryDefaults = { attempts: 2, backoffMs: 25 } as const;
const retryLimits = { attemptsMax: 10, backoffMaxMs: 30_000 } as const;

function compileTimes({ timeouts = {}, retry }: Rule): Times | Finding {
  const request = timeouts.request === undefined ? undefined : gatewayDurationMs(timeouts.request);
  const attempt = timeouts.backendRequest === undefined ? undefined : gatewayDurationMs(timeouts.backendRequest);
  const backoffMs = retry?.backoff === undefined ? retryDefaults.backoffMs : gatewayDurationMs(retry.backoff);
  const isWrong = (text: string | undefined, ms: number | undefined) => text !== undefined && ms === undefined;
  if (isWrong(timeouts.request, request) || isWrong(timeouts.backendRequest, attempt) || backoffMs === undefined)
    return { reason: "UnsupportedValue", message: "a time must be written like 500ms, 10s or 1h30m" };
  return {
    // Zero switches a limit off (GEP-1742).
    timeoutMs: request === 0 ? Number.POSITIVE_INFINITY : (request ?? Math.max(ruleDefaults.timeoutMs, attempt ?? 0)),
    ...(attempt ? { attemptTimeoutMs: attempt } : {}),
    ...(retry ? { retry: compileRetry(retry, backoffMs) } : {}),
  };
}

function compileRetry({ codes = [], attempts }: NonNullable<HttpRouteRule["retry"]>, backoffMs: number): Retry {
  return {
    codes,
    attempts: Math.min(attempts ?? retryDefaults.attempts, retryLimits.attemptsMax),
    backoffMs: Math.min(backoffMs, retryLimits.backoffMaxMs),
  };
}
