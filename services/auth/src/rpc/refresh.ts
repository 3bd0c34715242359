import type { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import type { Handler } from "@plinth/rpc";
import type { TokenIssuer } from "../keys/token-issuer.ts";
import type { SessionStore } from "../store/session-store.ts";
import { tokenSetOf } from "./token-set.ts";

/** The client is told apart by its user agent: a phone changes its address between two tries, not its software. */
export function refresh(sessions: SessionStore, issuer: TokenIssuer): Handler<typeof AuthService.method.refresh> {
  return async ({ refreshToken }, call) =>
    tokenSetOf(await sessions.exchange(refreshToken, call.userAgent, call), issuer);
}
