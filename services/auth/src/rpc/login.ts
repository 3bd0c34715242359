import type { Client } from "@connectrpc/connect";
import { forward } from "@plinth/clients";
import { Fault, isFault } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";
import type { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import type { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import { type CallContext, callWith, type Handler } from "@plinth/rpc";
import { loginFailed } from "../events/auth-events.ts";
import type { TokenIssuer } from "../keys/token-issuer.ts";
import type { SessionStore } from "../store/session-store.ts";
import type { LoginThrottle } from "../throttle/login-throttle.ts";
import { tokenSetOf } from "./token-set.ts";

export interface LoginDeps {
  identity: Client<typeof IdentityService>;
  sessions: SessionStore;
  throttle: LoginThrottle;
  issuer: TokenIssuer;
  database: Database;
}

export function login({
  identity,
  sessions,
  throttle,
  issuer,
  database,
}: LoginDeps): Handler<typeof AuthService.method.login> {
  const recordFailure = (email: string, reason: string, call: CallContext): Promise<unknown> => {
    const event = loginFailed({
      identifierHash: throttle.identifierHash(email),
      reason,
      ipAddress: call.remoteAddress,
    });
    return database.transaction((tx) => event(tx, { ...call, actor: "anonymous" }));
  };

  return async ({ email, password, deviceName }, call) => {
    await throttle.admit(email, call.remoteAddress).catch(async (err) => {
      if (isFault(err) && err.reason === "LOGIN_THROTTLED") await recordFailure(email, "throttled", call);
      throw err;
    });
    // The caller's own token, if there is one, has no place in this question.
    const { user } = await identity.verifyPassword(
      { email, password },
      forward(callWith(call, { accessToken: undefined })),
    );
    if (!user) {
      await recordFailure(email, "invalid_credentials", call);
      throw new Fault({
        code: "unauthenticated",
        reason: "INVALID_CREDENTIALS",
        message: "the e-mail address or the password is not right",
      });
    }
    await throttle.succeeded(email, call.remoteAddress);
    const { userAgent, remoteAddress: ipAddress } = call;
    return tokenSetOf(await sessions.create({ userId: user.id, deviceName, userAgent, ipAddress }, call), issuer);
  };
}
