import { Fault } from "@plinth/kernel";
import { type IdentityService, type UpdateUserRequest, UserState } from "@plinth/proto/plinth/identity/v1/identity";
import type { Handler } from "@plinth/rpc";
import { requireEtag, requireThere, type User } from "../domain/user.ts";
import { userUpdated } from "../events/user-events.ts";
import type { UserStore } from "../store/user-store.ts";
import { stateOf, userToMessage } from "./user-message.ts";

export function updateUser(users: UserStore): Handler<typeof IdentityService.method.updateUser> {
  return async (request, call) => {
    const fields = maskedFields(request);
    const user = await users.change(request.id, call, (current) => {
      requireThere(current, request.id);
      requireEtag(current, request.etag);
      const next = { ...current, ...fields };
      const changed = Object.keys(fields).filter(
        (name) => !same(current[name as keyof User], next[name as keyof User]),
      );
      if (changed.length === 0) return undefined;
      return {
        fields,
        event: userUpdated({
          userId: request.id,
          changed: changed.map(toSnakeCase),
          state: stateOf(next),
          changes: changed.map((name) => ({
            field: toSnakeCase(name),
            before: textOf(current[name as keyof User]),
            after: textOf(next[name as keyof User]),
          })),
        }),
      };
    });
    return userToMessage(user);
  };
}

/** The fields that the mask names (AIP-134). Throws Fault invalid_argument for a field that cannot be changed. */
function maskedFields(request: UpdateUserRequest): Partial<User> {
  const paths = request.updateMask?.paths ?? [];
  if (paths.length === 0) throw invalid("update_mask must name at least one field");
  return Object.assign({}, ...paths.map((path) => fieldOf(path, request)));
}

function fieldOf(path: string, request: UpdateUserRequest): Partial<User> {
  switch (path) {
    case "email":
      if (request.email === "") throw invalid("email cannot be empty");
      return { email: request.email };
    case "display_name":
      return { displayName: request.displayName };
    case "attributes":
      return { attributes: request.attributes };
    case "state":
      if (request.state === UserState.ACTIVE) return { state: "active" };
      if (request.state === UserState.DISABLED) return { state: "disabled" };
      throw invalid("state can be set to ACTIVE or DISABLED; use DeleteUser and RestoreUser for the rest");
    default:
      throw invalid(`"${path}" cannot be changed; update_mask may name email, display_name, state and attributes`);
  }
}

const invalid = (message: string): Fault =>
  new Fault({ code: "invalid_argument", reason: "UPDATE_MASK_INVALID", message });
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const textOf = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
const toSnakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
