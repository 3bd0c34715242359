import { Fault } from "@plinth/kernel";
import { limits } from "../limits.ts";
import { findRelation, type Model, type Rewrite } from "../model/model.ts";
import { isWildcard, type ObjectRef, type SubjectRef } from "../relationship/entity.ts";
import { type JsonObject, type Relationship, usersetKey } from "../relationship/relationship.ts";
import { matchesRestrictions } from "../relationship/type-restriction.ts";
import { always, anyOf, type CheckNode, type Formula, never } from "./formula.ts";
import type { ReadRequest, RelationshipReader } from "./relationship-reader.ts";

export interface CheckGraph {
  nodes(): Iterable<CheckNode>;
  /** The node of a question; new ones start unread. */
  node(object: ObjectRef, relation: string, depth: number): CheckNode;
  /** Reads what the nodes depend on, in one go, and gives them their formulas. */
  read(nodes: readonly CheckNode[]): Promise<void>;
}

export interface CheckGraphOptions {
  model: Model;
  reader: RelationshipReader;
  subject: SubjectRef;
  /** Parameters of the request for conditions. */
  context: JsonObject;
}

type StoredAt = ReadonlyMap<string, readonly Relationship[]>;

/** The questions that one subject's check leads to. Lives for one request and is never shared between requests. */
export function createCheckGraph(options: CheckGraphOptions): CheckGraph {
  const { model, reader, subject, context } = options;
  const nodes = new Map<string, CheckNode>();

  function node(object: ObjectRef, relation: string, depth: number): CheckNode {
    const key = usersetKey(object, relation);
    const known = nodes.get(key);
    if (known) return known;
    if (nodes.size >= limits.checkNodesMax) throw tooLarge();
    const created: CheckNode = { key, object, relation, depth, formula: undefined, dependents: new Set() };
    nodes.set(key, created);
    return created;
  }

  /** The nodes themselves and all that they name on the same object: one read serves them together. */
  function withComputed(start: readonly CheckNode[]): CheckNode[] {
    const group = new Set(start);
    for (const member of group) {
      for (const name of computedRelations(rewriteOf(member))) {
        const next = node(member.object, name, member.depth);
        if (next.formula === undefined) group.add(next);
      }
    }
    return [...group];
  }

  const rewriteOf = (member: CheckNode): Rewrite | undefined =>
    findRelation(model, member.object.type, member.relation)?.rewrite;

  function build(owner: CheckNode, rewrite: Rewrite, stored: StoredAt): Formula {
    switch (rewrite.kind) {
      case "direct":
        return direct(owner, stored.get(owner.key) ?? []);
      case "computed":
        return refer(owner, owner.object, rewrite.relation);
      case "from":
        return from(owner, rewrite, stored.get(usersetKey(owner.object, rewrite.tupleset)) ?? []);
      case "union":
        return anyOf(rewrite.children.map((child) => build(owner, child, stored)));
      case "intersection":
        return { kind: "all", parts: rewrite.children.map((child) => build(owner, child, stored)) };
      case "exclusion":
        return {
          kind: "except",
          base: build(owner, rewrite.base, stored),
          subtract: build(owner, rewrite.subtract, stored),
        };
    }
  }

  function refer(owner: CheckNode, object: ObjectRef, relation: string): Formula {
    if (!findRelation(model, object.type, relation)) return never;
    const target = node(object, relation, owner.depth + 1);
    target.dependents.add(owner);
    return { kind: "node", node: target };
  }

  function direct(owner: CheckNode, relationships: readonly Relationship[]): Formula {
    return anyOf(
      relationships.map((relationship) => {
        const target = relationship.subject;
        if (isSubject(target)) return under(relationship, always);
        if (target.relation === undefined) return never;
        return under(relationship, refer(owner, target, target.relation));
      }),
    );
  }

  const isSubject = (target: SubjectRef): boolean =>
    target.type === subject.type &&
    target.relation === subject.relation &&
    (target.id === subject.id || (isWildcard(target) && subject.relation === undefined));

  function from(
    owner: CheckNode,
    rewrite: { relation: string; tupleset: string },
    relationships: readonly Relationship[],
  ): Formula {
    return anyOf(
      relationships
        .filter(({ subject: parent }) => parent.relation === undefined && !isWildcard(parent))
        .map((relationship) => under(relationship, refer(owner, relationship.subject, rewrite.relation))),
    );
  }

  /** What a relationship leads to, if it counts in this model and its condition holds. */
  function under(relationship: Relationship, target: Formula): Formula {
    const relation = findRelation(model, relationship.object.type, relationship.relation);
    if (target === never || !relation || !matchesRestrictions(relation, relationship)) return never;
    if (!relationship.condition) return target;
    const condition = model.conditions.get(relationship.condition.name);
    const outcome = condition?.evaluate(relationship.condition.context, context) ?? false;
    if (typeof outcome === "boolean") return outcome ? target : never;
    return { kind: "all", parts: [{ kind: "fault", fault: outcome }, target] };
  }

  return {
    nodes: () => nodes.values(),
    node,
    async read(start) {
      const group = withComputed(start);
      const expandable = group.filter(
        (member) => member.depth <= limits.resolutionStepsMax && !isSelf(member, subject),
      );
      const requests = expandable.flatMap((member) => readRequests(model, member, rewriteOf(member), subject));
      const stored = Map.groupBy(await reader.read(mergeRequests(requests)), (r) => usersetKey(r.object, r.relation));
      for (const member of group) {
        const rewrite = rewriteOf(member);
        if (isSelf(member, subject)) member.formula = always;
        else if (member.depth > limits.resolutionStepsMax) member.formula = { kind: "fault", fault: tooDeep(member) };
        else member.formula = rewrite ? build(member, rewrite, stored) : never;
      }
    },
  };
}

/** A set contains itself: "group:1#member" is in group:1#member. */
const isSelf = (member: CheckNode, subject: SubjectRef): boolean =>
  subject.relation === member.relation && subject.id === member.object.id && subject.type === member.object.type;

function* computedRelations(rewrite: Rewrite | undefined): Generator<string> {
  if (rewrite?.kind === "computed") yield rewrite.relation;
  else if (rewrite?.kind === "union" || rewrite?.kind === "intersection") {
    for (const child of rewrite.children) yield* computedRelations(child);
  } else if (rewrite?.kind === "exclusion") {
    yield* computedRelations(rewrite.base);
    yield* computedRelations(rewrite.subtract);
  }
}

function readRequests(
  model: Model,
  member: CheckNode,
  rewrite: Rewrite | undefined,
  subject: SubjectRef,
): ReadRequest[] {
  if (!rewrite) return [];
  const restrictions = findRelation(model, member.object.type, member.relation)?.restrictions ?? [];
  const base = {
    object: member.object,
    relation: member.relation,
    subject: undefined,
    usersets: false,
    objects: false,
  };
  switch (rewrite.kind) {
    case "direct": {
      const named = restrictions.some((r) => r.type === subject.type && r.relation === subject.relation);
      const usersets = restrictions.some((r) => r.relation !== undefined);
      return named || usersets ? [{ ...base, subject: named ? subject : undefined, usersets }] : [];
    }
    case "computed":
      return [];
    case "from":
      return [{ ...base, relation: rewrite.tupleset, objects: true }];
    case "union":
    case "intersection":
      return rewrite.children.flatMap((child) => readRequests(model, member, child, subject));
    case "exclusion":
      return [rewrite.base, rewrite.subtract].flatMap((part) => readRequests(model, member, part, subject));
  }
}

function mergeRequests(requests: readonly ReadRequest[]): ReadRequest[] {
  const merged = new Map<string, ReadRequest>();
  for (const request of requests) {
    const key = usersetKey(request.object, request.relation);
    const known = merged.get(key);
    merged.set(key, {
      ...request,
      subject: request.subject ?? known?.subject,
      usersets: request.usersets || (known?.usersets ?? false),
      objects: request.objects || (known?.objects ?? false),
    });
  }
  return [...merged.values()];
}

const tooDeep = (member: CheckNode): Fault =>
  new Fault({
    code: "failed_precondition",
    reason: "RESOLUTION_TOO_DEEP",
    message: `the answer is more than ${limits.resolutionStepsMax} steps away (at ${member.key}); flatten the groups or hierarchies that lead there`,
  });

export const tooLarge = (): Fault =>
  new Fault({
    code: "failed_precondition",
    reason: "CHECK_TOO_LARGE",
    message: `the check leads to more than ${limits.checkNodesMax} sets or ${limits.checkRelationshipsMax} relationships; use fewer nested groups or ask about a narrower relation`,
  });
