import type { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import type { Handler } from "@plinth/rpc";
import { maySignIn } from "../domain/user.ts";
import type { PasswordHasher } from "../passwords/password-hasher.ts";
import type { UserStore } from "../store/user-store.ts";
import { userToMessage } from "./user-message.ts";

/** The same work and the same answer for an unknown user, a disabled one and a wrong password. */
export function verifyPassword(
  users: UserStore,
  hasher: PasswordHasher,
): Handler<typeof IdentityService.method.verifyPassword> {
  return async ({ email, password }) => {
    const user = await users.findByEmail(email);
    const verdict = await hasher.verify(password, user?.passwordHash);
    if (!user || verdict === "wrong" || !maySignIn(user)) return {};
    if (verdict === "stale" && user.passwordHash)
      await users.upgradeHash(user.id, user.passwordHash, await hasher.hash(password));
    return { user: userToMessage(user) };
  };
}
