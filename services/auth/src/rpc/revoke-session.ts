import { Fault } from "@plinth/kernel";
import type { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import type { Authorizer, Handler } from "@plinth/rpc";
import type { SessionStore } from "../store/session-store.ts";

/** Own sessions by everybody, others' by session managers; who may not see a session is told that there is none. */
export function revokeSession(
  sessions: SessionStore,
  authorizer: Authorizer,
): Handler<typeof AuthService.method.revokeSession> {
  return async ({ sessionId }, call) => {
    const session = await sessions.get(sessionId);
    const own = session && call.actor === `user:${session.userId}`;
    const question = { subject: call.actor, relation: "can_manage_sessions", object: "platform:plinth" };
    if (!own && !(await authorizer.check(question, call))) throw notFound(sessionId);
    if (!session) throw notFound(sessionId);
    await sessions.revoke({ sessionId }, "revoked", call);
    return {};
  };
}

const notFound = (id: string): Fault =>
  new Fault({ code: "not_found", reason: "SESSION_NOT_FOUND", message: `there is no session ${id}` });
