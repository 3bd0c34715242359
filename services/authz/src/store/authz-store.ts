import type { RelationshipReader } from "../domain/check/relationship-reader.ts";
import type { ConsistencyToken } from "../domain/consistency-token.ts";
import type { ModelModule } from "../domain/model/model.ts";
import type { Relationship } from "../domain/relationship/relationship.ts";
import type { RelationshipFilter } from "../domain/relationship/relationship-filter.ts";
import type { AuthzEvent, EventOrigin } from "../events/authz-event.ts";

export interface StoredModule extends ModelModule {
  readonly updateTime: Date;
}

/**
 * One committed state, the same for every call on it. Not valid after the work it was made for. Calls may overlap.
 * Everything throws Fault unavailable when the database is away.
 */
export interface Snapshot {
  /** Grows with every change of a module: equal revisions have equal modules. */
  readonly revision: string;
  modules(): Promise<StoredModule[]>;
  /** A reader for one check, with that check's limits. Readers of one snapshot that read at the same time share a query. */
  reader(): RelationshipReader;
  /** Matching relationships in byte order of (object type, object id, relation, subject type, id, relation), after `after`. */
  list(filter: RelationshipFilter, after: Relationship | undefined, limit: number): Promise<Relationship[]>;
}

/** What keeps relationships of a type, relation or condition from being dropped. */
export type Usage =
  | { readonly kind: "type"; readonly type: string }
  | { readonly kind: "relation"; readonly type: string; readonly relation: string }
  | { readonly kind: "condition"; readonly condition: string };

/** A transaction. Nothing of it is visible to others before it commits; all of it is afterwards. */
export interface Change extends Snapshot {
  /** Names this change: a later `read` that asks for it sees the change. */
  readonly token: ConsistencyToken;
  /** Inserts what does not exist yet and returns it. What exists (same object, relation, subject) stays as it is. */
  insert(relationships: readonly Relationship[]): Promise<Relationship[]>;
  /** Deletes what exists, whatever its condition, and returns it. */
  remove(relationships: readonly Relationship[]): Promise<Relationship[]>;
  /** Stored relationships with the same object, relation and subject. */
  find(relationships: readonly Relationship[]): Promise<Relationship[]>;
  putModule(module: ModelModule): Promise<void>;
  /** How many relationships use it, as object or as subject. */
  countUses(usage: Usage): Promise<number>;
  /** Published after the commit, at least once, in commit order per key; never when the change fails. */
  publish(event: AuthzEvent, origin: EventOrigin): Promise<void>;
}

/**
 * - "shared": changes run side by side. For writes that depend on nothing but the model.
 * - "exclusive": no other change runs meanwhile. For writes that depend on what is stored, and for changes of the model.
 */
export type ChangeMode = "shared" | "exclusive";

/** Relationships and the modules of the model. Durable once a call returns; work that throws leaves no trace. */
export interface AuthzStore {
  /**
   * Runs `work` on the latest committed state, or throws: failed_precondition CONSISTENCY_TOKEN_UNKNOWN for a token of
   * another database or of a state never reached, unavailable when that state is not visible yet.
   */
  read<T>(atLeast: ConsistencyToken | undefined, work: (snapshot: Snapshot) => Promise<T>): Promise<T>;
  /** `work` may be run again after a conflict: it must have no effect but on the change it is given. */
  change<T>(mode: ChangeMode, work: (change: Change) => Promise<T>): Promise<T>;
}
