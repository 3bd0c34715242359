import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import type { Authorizer } from "@plinth/rpc";
import type { Clients } from "./clients.ts";
import { within } from "./time-left.ts";

/** Asks the authz service. An unanswered question is an error, never a yes: callers fail closed. */
export function createAuthzAuthorizer(clients: Clients): Authorizer {
  const authz = clients.get(AuthzService, "authz");
  return {
    async check(question, call) {
      return (await authz.check(question, within(call))).allowed;
    },
  };
}
