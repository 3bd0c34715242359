import type { Authorizer } from "@plinth/rpc";
import type { PermissionEngine } from "./permission-engine.ts";

/** The access rules of this service's own RPCs are answered by its own engine. */
export const createEngineAuthorizer = (engine: PermissionEngine): Authorizer => ({
  check: (question, { signal }) => engine.check(question, { atLeastAsFresh: "", signal }),
});
