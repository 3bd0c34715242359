import type { Relationship } from "../domain/relationship/relationship.ts";

/** What this service tells the others. */
export type AuthzEvent =
  | {
      readonly kind: "relationships changed";
      readonly written: readonly Relationship[];
      readonly deleted: readonly Relationship[];
      readonly consistencyToken: string;
    }
  | { readonly kind: "user erased"; readonly userId: string; readonly relationships: number }
  | {
      readonly kind: "module changed";
      readonly module: string;
      readonly modelVersion: string;
      /** Its types before and after; undefined for a module that is new. */
      readonly previousDsl: string | undefined;
      readonly dsl: string;
    };

/** Who caused an event. */
export interface EventOrigin {
  readonly actor: string;
  readonly requestId: string;
  readonly traceparent: string | undefined;
  readonly clientAddress?: string | undefined;
  /** The service that acted on the actor's behalf. */
  readonly via?: string | undefined;
}
