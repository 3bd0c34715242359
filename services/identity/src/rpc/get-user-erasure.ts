import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Fault } from "@plinth/kernel";
import type { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import type { Handler } from "@plinth/rpc";
import { erasureOf } from "../domain/erasure.ts";
import { userNotFound } from "../domain/user.ts";
import type { ErasureStore } from "../store/erasure-store.ts";
import type { UserStore } from "../store/user-store.ts";

export function getUserErasure(
  users: UserStore,
  erasures: ErasureStore,
  expected: readonly string[],
): Handler<typeof IdentityService.method.getUserErasure> {
  return async ({ id }) => {
    const user = await users.get(id);
    if (!user) throw userNotFound(id);
    if (!user.eraseTime) {
      throw new Fault({
        code: "failed_precondition",
        reason: "USER_NOT_ERASED",
        message: "the user was not erased: call EraseUser first",
      });
    }
    const { confirmations, pending, completeTime } = erasureOf(expected, await erasures.list(id));
    return {
      userId: id,
      eraseTime: timestampFromDate(user.eraseTime),
      confirmations: confirmations.map(({ service, confirmTime, removed }) => ({
        service,
        confirmTime: timestampFromDate(confirmTime),
        removed: Object.fromEntries(Object.entries(removed).map(([what, count]) => [what, BigInt(count)])),
      })),
      pending: [...pending],
      ...(completeTime ? { completeTime: timestampFromDate(completeTime) } : {}),
    };
  };
}
