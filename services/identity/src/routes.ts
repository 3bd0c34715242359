import { type GetUserRequest, IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import { access, defineService, type ServiceRoutes } from "@plinth/rpc";
import { changePassword } from "./rpc/change-password.ts";
import { type CreateUserDeps, createUser } from "./rpc/create-user.ts";
import { deleteUser } from "./rpc/delete-user.ts";
import { eraseUser } from "./rpc/erase-user.ts";
import { getUser } from "./rpc/get-user.ts";
import { getUserErasure } from "./rpc/get-user-erasure.ts";
import { importUsers } from "./rpc/import-users.ts";
import { listUsers } from "./rpc/list-users.ts";
import { restoreUser } from "./rpc/restore-user.ts";
import { setPassword } from "./rpc/set-password.ts";
import { updateUser } from "./rpc/update-user.ts";
import { verifyPassword } from "./rpc/verify-password.ts";
import type { ErasureStore } from "./store/erasure-store.ts";

const mayManage = access.permission("can_manage_users", "platform:plinth");
const mayRead = access.permission("can_read_users", "platform:plinth");

export interface RoutesDeps extends CreateUserDeps {
  erasures: ErasureStore;
  /** Services that are expected to confirm an erasure. */
  erasureServices: readonly string[];
}

/** The whole API: who may call what, and what answers. */
export const routes = (deps: RoutesDeps): ServiceRoutes => {
  const { users, hasher, policy, clock, random, erasures, erasureServices } = deps;
  return defineService(IdentityService, {
    createUser: { access: mayManage, handle: createUser(deps) },
    getUser: {
      access: access.any(
        access.self((r: GetUserRequest) => r.id),
        access.service(),
        mayRead,
      ),
      handle: getUser(users),
    },
    listUsers: { access: mayRead, handle: listUsers(users) },
    updateUser: { access: mayManage, handle: updateUser(users) },
    deleteUser: { access: mayManage, handle: deleteUser(users, clock) },
    restoreUser: { access: mayManage, handle: restoreUser(users) },
    eraseUser: { access: mayManage, handle: eraseUser(users, clock) },
    getUserErasure: { access: mayRead, handle: getUserErasure(users, erasures, erasureServices) },
    setPassword: { access: mayManage, handle: setPassword(users, hasher, policy) },
    changePassword: { access: access.self(() => ""), handle: changePassword(users, hasher, policy) },
    verifyPassword: { access: access.service("auth"), handle: verifyPassword(users, hasher) },
    importUsers: { access: mayManage, handle: importUsers(users, clock, random) },
  });
};
