import { Fault, isFault } from "@plinth/kernel";
import type { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import type { Handler } from "@plinth/rpc";
import type { PermissionEngine } from "../engine/permission-engine.ts";
import { toQuestion } from "./proto-question.ts";

export const batchCheck =
  (engine: PermissionEngine): Handler<typeof AuthzService.method.batchCheck> =>
  async (request, { signal }) => {
    if (request.checks.some((single) => (single.consistency?.atLeastAsFresh ?? "") !== ""))
      throw new Fault({
        code: "invalid_argument",
        reason: "CONSISTENCY_MISPLACED",
        message: "put the consistency token on the batch: all its checks are answered from one state",
      });
    const atLeastAsFresh = request.consistency?.atLeastAsFresh ?? "";
    const outcomes = await engine.batchCheck(request.checks.map(toQuestion), { atLeastAsFresh, signal });
    return {
      results: outcomes.map((outcome) => ({
        outcome: isFault(outcome)
          ? { case: "error", value: { code: outcome.code, message: outcome.message } }
          : { case: "allowed", value: outcome },
      })),
    };
  };
