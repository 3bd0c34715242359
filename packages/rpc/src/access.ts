import { Fault } from "@plinth/kernel";
import type { CallContext } from "./principal.ts";

/** Who may call an RPC, as data beside its handler. Functions get the RPC's request. */
export type AccessRule =
  | { kind: "public" }
  | { kind: "authenticated" }
  | { kind: "service"; names: readonly string[] }
  | { kind: "permission"; relation: string; object: string | ((request: never) => string) }
  | { kind: "self"; userId: (request: never) => string }
  | { kind: "any"; rules: readonly AccessRule[] };

export const access = {
  /** Everybody. */
  public: { kind: "public" } as AccessRule,
  /** Every user and service. */
  authenticated: { kind: "authenticated" } as AccessRule,
  /** Services that prove themselves with a workload token: the named ones, or all. */
  service: (...names: string[]): AccessRule => ({ kind: "service", names }),
  /** Whoever has the relation to the object, as authz says. */
  permission: <R>(relation: string, object: string | ((request: R) => string)): AccessRule => ({
    kind: "permission",
    relation,
    object,
  }),
  /** The user with this id; an empty id means the caller. */
  self: <R>(userId: (request: R) => string): AccessRule => ({ kind: "self", userId }),
  /** One of the rules; cheap ones first. */
  any: (...rules: AccessRule[]): AccessRule => ({ kind: "any", rules }),
};

/** Answers permission questions; the typed client of authz in every service but authz itself. */
export interface Authorizer {
  /** `call`: the one that is served, whose end and deadline hold for the question as well. */
  check(
    question: { subject: string; relation: string; object: string },
    call: Pick<CallContext, "signal" | "timeLeftMs">,
  ): Promise<boolean>;
}

/** What a rule looks at. */
export type AccessContext = Pick<CallContext, "principal" | "workload" | "actor" | "signal" | "timeLeftMs">;

/** Throws Fault unauthenticated or permission_denied unless the rule lets the call pass. Fails closed when authz is away. */
export async function enforceAccess(
  rule: AccessRule,
  request: unknown,
  context: AccessContext,
  authorizer: Authorizer,
): Promise<void> {
  if (await allows(rule, request, context, authorizer)) return;
  if (context.principal.kind === "anonymous" && context.workload === undefined) {
    throw new Fault({
      code: "unauthenticated",
      reason: "CREDENTIALS_MISSING",
      message: "sign in first: send an access token as `Authorization: Bearer ...`",
    });
  }
  throw new Fault({
    code: "permission_denied",
    reason: "PERMISSION_DENIED",
    message: `${context.actor} may not do this`,
  });
}

async function allows(
  rule: AccessRule,
  request: unknown,
  context: AccessContext,
  authorizer: Authorizer,
): Promise<boolean> {
  const { principal, workload } = context;
  switch (rule.kind) {
    case "public":
      return true;
    case "authenticated":
      return principal.kind !== "anonymous";
    case "service":
      return workload !== undefined && (rule.names.length === 0 || rule.names.includes(workload));
    case "self": {
      const userId = rule.userId(request as never);
      return principal.kind === "user" && (userId === "" || userId === principal.userId);
    }
    case "permission": {
      if (principal.kind === "anonymous") return false;
      const object = typeof rule.object === "string" ? rule.object : rule.object(request as never);
      return authorizer.check({ subject: context.actor, relation: rule.relation, object }, context);
    }
    case "any":
      for (const part of rule.rules) if (await allows(part, request, context, authorizer)) return true;
      return false;
  }
}
