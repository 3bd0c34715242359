import type { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import type { Handler } from "@plinth/rpc";
import { requireThere } from "../domain/user.ts";
import type { UserStore } from "../store/user-store.ts";
import { userToMessage } from "./user-message.ts";

/** Deleted users can still be read, so that they can be restored; erased ones are gone. */
export function getUser(users: UserStore): Handler<typeof IdentityService.method.getUser> {
  return async ({ id }) => userToMessage(requireThere(await users.get(id), id, { deleted: true }));
}
