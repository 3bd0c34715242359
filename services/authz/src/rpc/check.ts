import type { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import type { Handler } from "@plinth/rpc";
import type { PermissionEngine } from "../engine/permission-engine.ts";
import { toQuestion } from "./proto-question.ts";

export const check =
  (engine: PermissionEngine): Handler<typeof AuthzService.method.check> =>
  async (request, { signal }) => {
    const atLeastAsFresh = request.consistency?.atLeastAsFresh ?? "";
    return { allowed: await engine.check(toQuestion(request), { atLeastAsFresh, signal }) };
  };
