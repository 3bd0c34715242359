import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { decodePageToken, encodePageToken, Fault, uuidForm } from "@plinth/kernel";
import type { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import type { CallContext, Handler } from "@plinth/rpc";
import type { SessionStore } from "../store/session-store.ts";

const defaultPageSize = 50;

export function listSessions(sessions: SessionStore): Handler<typeof AuthService.method.listSessions> {
  return async ({ userId, pageSize, pageToken }, call) => {
    const limit = pageSize || defaultPageSize;
    const owner = userIdOr(userId, call);
    const list = ["sessions", owner];
    const found = await sessions.list(owner, {
      after: decodePageToken(list, pageToken, uuidForm),
      limit: limit + 1,
    });
    const page = found.slice(0, limit);
    const current = call.principal.kind === "user" ? call.principal.sessionId : "";
    const last = page.at(-1);
    return {
      sessions: page.map(({ createTime, lastUsedTime, expireTime, revokeTime: _, ...session }) => ({
        ...session,
        createTime: timestampFromDate(createTime),
        lastUsedTime: timestampFromDate(lastUsedTime),
        expireTime: timestampFromDate(expireTime),
        current: session.id === current,
      })),
      nextPageToken: found.length > limit && last ? encodePageToken(list, last.id) : "",
    };
  };
}

/** The user that a request names, or the calling one. Throws Fault invalid_argument when there is neither. */
export function userIdOr(userId: string, call: CallContext): string {
  if (userId !== "") return userId;
  if (call.principal.kind === "user") return call.principal.userId;
  throw new Fault({
    code: "invalid_argument",
    reason: "USER_ID_MISSING",
    message: "user_id is required for callers that are not users",
  });
}
