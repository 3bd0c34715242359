import { Fault } from "@plinth/kernel";
import type { CallContext } from "@plinth/rpc";

/** The id of the user who calls. The route's access rule has let only users in. */
export function callingUser({ principal }: CallContext): string {
  if (principal.kind === "user") return principal.userId;
  throw new Fault({ code: "permission_denied", reason: "USER_REQUIRED", message: "only a user can do this" });
}
