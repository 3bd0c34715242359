import { Fault } from "@plinth/kernel";
import { formatToken } from "../domain/consistency-token.ts";
import { limits } from "../domain/limits.ts";
import type { Model } from "../domain/model/model.ts";
import { type Relationship, relationshipKey, sameCondition } from "../domain/relationship/relationship.ts";
import type { RelationshipFilter } from "../domain/relationship/relationship-filter.ts";
import { validateRelationship } from "../domain/relationship/validate-relationship.ts";
import type { PermissionEngine } from "../engine/permission-engine.ts";
import type { ModelCache } from "../model/model-cache.ts";
import { platformModuleName } from "../model/platform-module.ts";
import type { AuthzStore, Change } from "../store/authz-store.ts";
import type { Caller } from "./caller.ts";
import { requireManagement } from "./management-right.ts";

export interface Precondition {
  readonly filter: RelationshipFilter;
  readonly mustExist: boolean;
}

export interface RelationshipChanges {
  readonly writes: readonly Relationship[];
  readonly deletes: readonly Relationship[];
  readonly preconditions: readonly Precondition[];
  /** What is already so is passed over instead of refused. */
  readonly idempotent: boolean;
}

export interface WriteDependencies {
  store: AuthzStore;
  models: ModelCache;
  engine: PermissionEngine;
}

/** Applies all changes or none and returns a consistency token for them. */
export async function writeRelationships(
  { store, models, engine }: WriteDependencies,
  changes: RelationshipChanges,
  caller: Caller,
): Promise<string> {
  refuseMalformed(changes);
  // Preconditions depend on what is stored: nobody may change it between the look and the write.
  return store.change(changes.preconditions.length > 0 ? "exclusive" : "shared", async (change) => {
    const model = await models.modelOf(change);
    if (!ownsAll(model, changes, caller.workload))
      await requireManagement(
        engine,
        change,
        caller,
        "without it a service may write relationships only on objects of the types that its own module defines",
      );
    for (const relationship of changes.writes) validateRelationship(model, relationship);
    await requirePreconditions(change, changes.preconditions);
    const deleted = await applyDeletes(change, changes);
    const written = await applyWrites(change, changes);
    const consistencyToken = formatToken(change.token);
    if (written.length + deleted.length > 0)
      await change.publish({ kind: "relationships changed", written, deleted, consistencyToken }, caller);
    return consistencyToken;
  });
}

function refuseMalformed({ writes, deletes, preconditions }: RelationshipChanges): void {
  const all = [...writes, ...deletes];
  if (all.length === 0) throw invalid("WRITE_EMPTY", "name at least one relationship to write or delete");
  if (all.length > limits.changesMax)
    throw invalid("WRITE_TOO_LARGE", `at most ${limits.changesMax} writes and deletes fit into one request`);
  const seen = new Set<string>();
  for (const key of all.map(relationshipKey)) {
    if (seen.has(key)) throw invalid("RELATIONSHIP_REPEATED", `relationship "${key}" is named twice in one request`);
    seen.add(key);
  }
  for (const { filter } of preconditions) {
    if (filter.objectType === undefined)
      throw invalid("PRECONDITION_TOO_WIDE", 'a precondition names an object, "type:id" or "type:"');
  }
}

/** The shipped module belongs to nobody: a service that happened to have its name would own the platform. */
function ownsAll(model: Model, changes: RelationshipChanges, workload: string | undefined): boolean {
  if (workload === undefined || workload === platformModuleName) return false;
  const touched = [
    ...changes.writes.map((relationship) => relationship.object.type),
    ...changes.deletes.map((relationship) => relationship.object.type),
    ...changes.preconditions.map(({ filter }) => filter.objectType ?? ""),
  ];
  return touched.every((type) => model.types.get(type)?.module === workload);
}

async function requirePreconditions(change: Change, preconditions: readonly Precondition[]): Promise<void> {
  for (const [index, { filter, mustExist }] of preconditions.entries()) {
    const exists = (await change.list(filter, undefined, 1)).length > 0;
    if (exists !== mustExist)
      throw new Fault({
        code: "failed_precondition",
        reason: "PRECONDITION_FAILED",
        message: `precondition ${index + 1} does not hold: ${mustExist ? "no relationship matches" : "a relationship matches"}; nothing was written`,
        details: { precondition: String(index + 1) },
      });
  }
}

async function applyDeletes(change: Change, { deletes, idempotent }: RelationshipChanges): Promise<Relationship[]> {
  const deleted = await change.remove(deletes);
  if (idempotent || deleted.length === deletes.length) return deleted;
  const found = new Set(deleted.map(relationshipKey));
  const missing = deletes.map(relationshipKey).find((key) => !found.has(key));
  throw new Fault({
    code: "not_found",
    reason: "RELATIONSHIP_NOT_FOUND",
    message: `relationship "${missing}" does not exist, so nothing was changed; set idempotent to pass over such deletes`,
  });
}

async function applyWrites(change: Change, { writes, idempotent }: RelationshipChanges): Promise<Relationship[]> {
  const written = await change.insert(writes);
  if (written.length === writes.length) return written;
  const done = new Set(written.map(relationshipKey));
  const rest = writes.filter((relationship) => !done.has(relationshipKey(relationship)));
  const wanted = new Map(rest.map((relationship) => [relationshipKey(relationship), relationship]));
  if (!idempotent)
    throw exists(rest[0] as Relationship, "so nothing was changed; set idempotent to pass over such writes");
  for (const stored of await change.find(rest)) {
    if (!sameCondition(stored.condition, wanted.get(relationshipKey(stored))?.condition))
      throw exists(stored, "with another condition, so nothing was changed; delete it first");
  }
  return written;
}

const exists = (relationship: Relationship, note: string): Fault =>
  new Fault({
    code: "already_exists",
    reason: "RELATIONSHIP_EXISTS",
    message: `relationship "${relationshipKey(relationship)}" exists already, ${note}`,
  });

const invalid = (reason: string, message: string): Fault => new Fault({ code: "invalid_argument", reason, message });
