import type { ObjectRef, SubjectRef } from "../relationship/entity.ts";
import type { Relationship } from "../relationship/relationship.ts";

/** What a check wants to know about one object and relation. */
export interface ReadRequest {
  readonly object: ObjectRef;
  readonly relation: string;
  /** This very subject, and everyone of its type ("type:*") when it is no userset. */
  readonly subject: SubjectRef | undefined;
  /** All subjects "type:id#relation". */
  readonly usersets: boolean;
  /** All subjects "type:id", the wildcard left out. */
  readonly objects: boolean;
}

/**
 * Where a check reads relationships. All reads of one check see one state. A reader returns what is asked for, in any
 * order, and may return more; it throws Fault CHECK_TOO_LARGE rather than leaving something out.
 */
export interface RelationshipReader {
  read(requests: readonly ReadRequest[]): Promise<readonly Relationship[]>;
}
