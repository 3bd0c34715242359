import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type UserSchema, UserState } from "@plinth/proto/plinth/identity/v1/identity";
import { etagOf, type User } from "../domain/user.ts";

export function userToMessage(user: User): MessageInitShape<typeof UserSchema> {
  return {
    id: user.id,
    email: user.email ?? "",
    displayName: user.displayName,
    state: stateOf(user),
    createTime: timestampFromDate(user.createTime),
    updateTime: timestampFromDate(user.updateTime),
    ...(user.deleteTime ? { deleteTime: timestampFromDate(user.deleteTime) } : {}),
    etag: etagOf(user),
    hasPassword: user.passwordHash !== undefined,
    attributes: user.attributes,
  };
}

export function stateOf(user: Pick<User, "state" | "deleteTime">): UserState {
  if (user.deleteTime) return UserState.DELETED;
  return user.state === "active" ? UserState.ACTIVE : UserState.DISABLED;
}
