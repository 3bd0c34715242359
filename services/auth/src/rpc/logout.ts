import type { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import type { Handler } from "@plinth/rpc";
import type { SessionStore } from "../store/session-store.ts";

/** Holding the refresh token is what entitles to end its session. */
export function logout(sessions: SessionStore): Handler<typeof AuthService.method.logout> {
  return async ({ refreshToken }, call) => {
    const session = await sessions.findByRefreshToken(refreshToken);
    if (session)
      await sessions.revoke({ sessionId: session.id }, "logout", { ...call, actor: `user:${session.userId}` });
    return {};
  };
}
