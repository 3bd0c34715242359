import type { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import type { Handler } from "@plinth/rpc";
import { requireThere } from "../domain/user.ts";
import { userRestored } from "../events/user-events.ts";
import type { UserStore } from "../store/user-store.ts";
import { userToMessage } from "./user-message.ts";

export function restoreUser(users: UserStore): Handler<typeof IdentityService.method.restoreUser> {
  return async ({ id }, call) => {
    const user = await users.change(id, call, (current) => {
      requireThere(current, id, { deleted: true });
      if (!current.deleteTime) return undefined;
      return { fields: { deleteTime: undefined }, event: userRestored({ userId: id }) };
    });
    return userToMessage(user);
  };
}
