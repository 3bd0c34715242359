import type { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import type { Handler } from "@plinth/rpc";
import { putModelModule as execute, type PutModuleDependencies } from "../commands/put-model-module.ts";
import { toCaller } from "./proto-caller.ts";

export const putModelModule =
  (dependencies: PutModuleDependencies): Handler<typeof AuthzService.method.putModelModule> =>
  (request, context) =>
    execute(dependencies, { name: request.module, dsl: request.dsl }, toCaller(context));
