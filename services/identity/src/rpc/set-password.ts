import type { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import type { Handler } from "@plinth/rpc";
import { type PasswordPolicy, requireGoodPassword } from "../domain/password-policy.ts";
import { requireThere } from "../domain/user.ts";
import { passwordChanged } from "../events/user-events.ts";
import type { PasswordHasher } from "../passwords/password-hasher.ts";
import type { UserStore } from "../store/user-store.ts";

export function setPassword(
  users: UserStore,
  hasher: PasswordHasher,
  policy: PasswordPolicy,
): Handler<typeof IdentityService.method.setPassword> {
  return async ({ id, password }, call) => {
    const { email = "", displayName } = requireThere(await users.get(id), id);
    requireGoodPassword(password, { email, displayName }, policy);
    const passwordHash = await hasher.hash(password);
    await users.change(id, call, (current) => {
      requireThere(current, id);
      return { fields: { passwordHash }, event: passwordChanged({ userId: id, byAdministrator: true }) };
    });
    return {};
  };
}
