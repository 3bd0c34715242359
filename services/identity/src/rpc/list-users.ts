import { decodePageToken, encodePageToken, uuidForm } from "@plinth/kernel";
import { type IdentityService, type ListUsersFilter, UserState } from "@plinth/proto/plinth/identity/v1/identity";
import type { Handler } from "@plinth/rpc";
import type { ListFilter, UserStore } from "../store/user-store.ts";
import { userToMessage } from "./user-message.ts";

const defaultPageSize = 50;

export function listUsers(users: UserStore): Handler<typeof IdentityService.method.listUsers> {
  return async ({ pageSize, pageToken, filter: filterMessage }) => {
    const limit = pageSize || defaultPageSize;
    const filter = filterOf(filterMessage);
    const found = await users.list(filter, { after: decodePageToken(filter, pageToken, uuidForm), limit: limit + 1 });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      users: page.map(userToMessage),
      nextPageToken: found.length > limit && last ? encodePageToken(filter, last.id) : "",
    };
  };
}

const states: Partial<Record<UserState, ListFilter["state"]>> = {
  [UserState.UNSPECIFIED]: "present",
  [UserState.ACTIVE]: "active",
  [UserState.DISABLED]: "disabled",
  [UserState.DELETED]: "deleted",
};

function filterOf(message: ListUsersFilter | undefined): ListFilter {
  const { email = "", emailPrefix = "", displayNameContains = "", state = UserState.UNSPECIFIED } = message ?? {};
  return { email, emailPrefix, displayNameContains, state: states[state] ?? "present" };
}
