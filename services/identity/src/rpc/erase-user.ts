import { type Clock, Fault } from "@plinth/kernel";
import type { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import type { Handler } from "@plinth/rpc";
import { userErased } from "../events/user-events.ts";
import type { UserStore } from "../store/user-store.ts";

/** Keeps the row, so that its id stays known, and nothing that tells of the person. */
export function eraseUser(users: UserStore, clock: Clock): Handler<typeof IdentityService.method.eraseUser> {
  return async ({ id }, call) => {
    await users.change(id, call, (current) => {
      if (current.eraseTime) return undefined;
      if (!current.deleteTime) {
        throw new Fault({
          code: "failed_precondition",
          reason: "USER_NOT_DELETED",
          message: "only a deleted user can be erased: call DeleteUser first",
        });
      }
      const nothing = { email: undefined, displayName: "", attributes: {}, passwordHash: undefined };
      return { fields: { ...nothing, eraseTime: new Date(clock.now()) }, event: userErased({ userId: id }) };
    });
    return {};
  };
}
