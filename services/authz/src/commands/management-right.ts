import { Fault } from "@plinth/kernel";
import type { PermissionEngine } from "../engine/permission-engine.ts";
import { platformObject } from "../model/platform-module.ts";
import type { Snapshot } from "../store/authz-store.ts";
import type { Caller } from "./caller.ts";

export const managementRelation = "can_manage_authorization";

/** Throws Fault permission_denied unless the caller may change any relationship and any module. */
export async function requireManagement(
  engine: PermissionEngine,
  snapshot: Snapshot,
  caller: Caller,
  otherwise: string,
): Promise<void> {
  const question = { object: platformObject, relation: managementRelation, subject: caller.actor };
  if (caller.actor !== "anonymous" && (await engine.checkOn(snapshot, question, caller.signal))) return;
  throw new Fault({
    code: "permission_denied",
    reason: "AUTHORIZATION_MANAGEMENT_DENIED",
    message: `${caller.actor} lacks ${managementRelation} on ${platformObject}; ${otherwise}`,
  });
}
