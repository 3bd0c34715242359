import type { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import type { Handler } from "@plinth/rpc";
import type { SessionStore } from "../store/session-store.ts";
import { userIdOr } from "./list-sessions.ts";

export function revokeAllSessions(sessions: SessionStore): Handler<typeof AuthService.method.revokeAllSessions> {
  return async ({ userId, keepCurrent }, call) => {
    const except = keepCurrent && call.principal.kind === "user" ? call.principal.sessionId : undefined;
    return { revokedCount: await sessions.revoke({ userId: userIdOr(userId, call), except }, "revoked", call) };
  };
}
