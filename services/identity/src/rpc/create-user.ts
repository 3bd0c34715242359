import type { Clock, Random } from "@plinth/kernel";
import type { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import type { Handler } from "@plinth/rpc";
import { type PasswordPolicy, requireGoodPassword } from "../domain/password-policy.ts";
import { userCreated } from "../events/user-events.ts";
import type { PasswordHasher } from "../passwords/password-hasher.ts";
import type { UserStore } from "../store/user-store.ts";
import { userToMessage } from "./user-message.ts";

export interface CreateUserDeps {
  users: UserStore;
  hasher: PasswordHasher;
  policy: PasswordPolicy;
  clock: Clock;
  random: Random;
}

export function createUser({
  users,
  hasher,
  policy,
  clock,
  random,
}: CreateUserDeps): Handler<typeof IdentityService.method.createUser> {
  return async ({ email, displayName, password, attributes }, call) => {
    if (password !== undefined) requireGoodPassword(password, { email, displayName }, policy);
    const id = random.uuidv7(clock.now());
    const passwordHash = password === undefined ? undefined : await hasher.hash(password);
    const event = userCreated({ userId: id, email, displayName, imported: false });
    return userToMessage(await users.insert({ id, email, displayName, attributes, passwordHash }, event, call));
  };
}
