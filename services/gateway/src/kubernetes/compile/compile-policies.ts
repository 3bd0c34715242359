import { objectKey } from "@plinth/kube";
import type { RoutePolicyRule } from "@plinth/platform";
import { compileRateLimit, type RateLimitNames, ruleDefaults } from "../../control/compile-rule.ts";
import { FieldReader } from "../../control/read-field.ts";
import type { Authentication, Route } from "../../data/route.ts";
import type { RoutePolicy } from "../route-policies.ts";
import type { RouteKind } from "./listener.ts";
import { compareAge } from "./order.ts";

/** What a RoutePolicy decides about a rule. */
export type RuleSettings = Pick<
  Route,
  "authentication" | "rateLimit" | "idleTimeoutMs" | "maxBodyBytes" | "websocket" | "foreign" | "invalid"
>;

const limits = { idleTimeoutMs: ruleDefaults.idleTimeoutMs, maxBodyBytes: ruleDefaults.maxBodyBytes, websocket: true };
/** A route of the Gateway API as it is: nobody said anything of tokens, so none are asked for, and none are given. */
export const plainSettings: RuleSettings = { ...limits, authentication: "None", foreign: true };
/** A rule of a PlatformService's route that no policy names: nothing is open that nobody opened. */
export const platformSettings: RuleSettings = { ...limits, authentication: "Required" };

/** The policy that counts for each route: the oldest one. */
export class Policies {
  readonly #byTarget = new Map<string, RoutePolicy>();

  constructor(policies: readonly RoutePolicy[]) {
    for (const policy of policies.toSorted(compareAge)) {
      const target = targetOf(policy);
      if (!this.#byTarget.has(target)) this.#byTarget.set(target, policy);
    }
  }

  of(kind: RouteKind, route: { namespace?: string; name: string }): RoutePolicy | undefined {
    return this.#byTarget.get(`${kind} ${objectKey(route)}`);
  }

  /** Whether another policy of the same route goes before this one. */
  winnerOver(policy: RoutePolicy): RoutePolicy | undefined {
    const winner = this.#byTarget.get(targetOf(policy));
    return winner === policy ? undefined : winner;
  }

  /** `id`: names a rate limit that has no name; one with a name is shared by the policies of a namespace. */
  settings(policy: RoutePolicy, rule: string | undefined, id: string): RuleSettings {
    const entry = policy.spec.rules.find(({ name }) => name === rule);
    const shared = (name: string) => objectKey({ namespace: policy.metadata.namespace, name });
    return entry === undefined ? platformSettings : compileSettings(entry, { rule: id, shared });
  }
}

export const targetOf = ({ metadata, spec }: RoutePolicy): string =>
  `${spec.targetRef.kind} ${objectKey({ namespace: metadata.namespace, name: spec.targetRef.name })}`;

function compileSettings(rule: RoutePolicyRule, names: RateLimitNames): RuleSettings {
  const reader = new FieldReader();
  const rateLimit = compileRateLimit(reader, names, "rateLimit", rule.rateLimit);
  const settings: RuleSettings = {
    authentication: reader.oneOf<Authentication>(
      rule.authentication,
      "authentication",
      ["None", "Optional", "Required"],
      "Required",
    ),
    ...(rateLimit ? { rateLimit } : {}),
    idleTimeoutMs: reader.durationMs(rule.idleTimeout, "idleTimeout", {
      fallback: ruleDefaults.idleTimeoutMs,
      min: 1,
      max: 86_400_000,
    }),
    maxBodyBytes: reader.count(rule.maxBodyBytes, "maxBodyBytes", {
      fallback: ruleDefaults.maxBodyBytes,
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
    }),
    websocket: reader.flag(rule.websocket, "websocket", true),
  };
  const [problem] = reader.problems;
  return problem ? { ...settings, invalid: `RoutePolicy ${problem.field} ${problem.message}` } : settings;
}
