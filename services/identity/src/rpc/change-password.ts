import { Fault } from "@plinth/kernel";
import type { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import type { Handler } from "@plinth/rpc";
import { type PasswordPolicy, requireGoodPassword } from "../domain/password-policy.ts";
import { requireThere } from "../domain/user.ts";
import { passwordChanged } from "../events/user-events.ts";
import type { PasswordHasher } from "../passwords/password-hasher.ts";
import type { UserStore } from "../store/user-store.ts";

export function changePassword(
  users: UserStore,
  hasher: PasswordHasher,
  policy: PasswordPolicy,
): Handler<typeof IdentityService.method.changePassword> {
  return async ({ currentPassword, newPassword }, call) => {
    // The access rule lets only users pass.
    const { userId, sessionId } = call.principal as { userId: string; sessionId: string };
    const user = requireThere(await users.get(userId), userId);
    if ((await hasher.verify(currentPassword, user.passwordHash)) === "wrong") throw wrongPassword();
    requireGoodPassword(newPassword, { email: user.email ?? "", displayName: user.displayName }, policy);
    const passwordHash = await hasher.hash(newPassword);
    await users.change(userId, call, (current) => {
      requireThere(current, userId);
      // Somebody else was faster: the password that was verified is not the current one any more.
      if (current.passwordHash !== user.passwordHash) throw wrongPassword();
      return {
        fields: { passwordHash },
        event: passwordChanged({ userId, byAdministrator: false, keptSessionId: sessionId }),
      };
    });
    return {};
  };
}

const wrongPassword = (): Fault =>
  new Fault({
    code: "permission_denied",
    reason: "PASSWORD_WRONG",
    message: "the current password is not right",
    details: { field: "current_password" },
  });
