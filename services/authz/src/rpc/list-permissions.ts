import type { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import type { Handler } from "@plinth/rpc";
import type { PermissionEngine } from "../engine/permission-engine.ts";
import { fromProtoContext } from "./proto-relationship.ts";

export const listPermissions =
  (engine: PermissionEngine): Handler<typeof AuthzService.method.listPermissions> =>
  async (request, { signal }) => {
    const question = {
      object: request.object,
      subject: request.subject,
      context: () => fromProtoContext(request.context),
    };
    const atLeastAsFresh = request.consistency?.atLeastAsFresh ?? "";
    return { relations: await engine.listPermissions(question, request.relations, { atLeastAsFresh, signal }) };
  };
