import { type Clock, isFault, type Random } from "@plinth/kernel";
import type { IdentityService, ImportedUser } from "@plinth/proto/plinth/identity/v1/identity";
import type { CallContext, Handler } from "@plinth/rpc";
import { userCreated } from "../events/user-events.ts";
import { requireImportable } from "../passwords/hash-format.ts";
import type { UserStore } from "../store/user-store.ts";

/** Each user on its own: one that is refused does not stop the others. */
export function importUsers(
  users: UserStore,
  clock: Clock,
  random: Random,
): Handler<typeof IdentityService.method.importUsers> {
  async function importOne(
    { email, displayName, passwordHash, attributes }: ImportedUser,
    call: CallContext,
  ): Promise<string> {
    if (passwordHash !== "") requireImportable(passwordHash);
    const id = random.uuidv7(clock.now());
    const user = { id, email, displayName, attributes, passwordHash: passwordHash || undefined };
    await users.insert(user, userCreated({ userId: id, email, displayName, imported: true }), call);
    return id;
  }

  return async (request, call) => {
    const results = [];
    for (const user of request.users) {
      try {
        results.push({ outcome: { case: "id" as const, value: await importOne(user, call) } });
      } catch (err) {
        // Only what is wrong with this user is its result; a database that is away fails the call.
        if (!isFault(err) || (err.code !== "invalid_argument" && err.code !== "already_exists")) throw err;
        results.push({ outcome: { case: "error" as const, value: err.message } });
      }
    }
    return { results };
  };
}
