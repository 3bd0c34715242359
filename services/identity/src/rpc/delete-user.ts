import type { Clock } from "@plinth/kernel";
import type { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import type { Handler } from "@plinth/rpc";
import { requireEtag, requireThere } from "../domain/user.ts";
import { userDeleted } from "../events/user-events.ts";
import type { UserStore } from "../store/user-store.ts";
import { userToMessage } from "./user-message.ts";

export function deleteUser(users: UserStore, clock: Clock): Handler<typeof IdentityService.method.deleteUser> {
  return async ({ id, etag }, call) => {
    const user = await users.change(id, call, (current) => {
      requireThere(current, id, { deleted: true });
      if (current.deleteTime) return undefined;
      requireEtag(current, etag);
      return { fields: { deleteTime: new Date(clock.now()) }, event: userDeleted({ userId: id }) };
    });
    return userToMessage(user);
  };
}
