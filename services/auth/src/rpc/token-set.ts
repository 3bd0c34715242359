import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { TokenSetSchema } from "@plinth/proto/plinth/auth/v1/auth";
import type { TokenIssuer } from "../keys/token-issuer.ts";
import type { Continued } from "../store/session-store.ts";

/** OAuth's client id of people who sign in by password; there is one first-party client. */
export const passwordClient = "plinth";

/** The pair that continues a session. */
export async function tokenSetOf(
  { session, refreshToken, refreshExpireTime }: Continued,
  issuer: TokenIssuer,
): Promise<MessageInitShape<typeof TokenSetSchema>> {
  const { token, expiresInS } = await issuer.accessToken(`user:${session.userId}`, {
    sid: session.id,
    client_id: passwordClient,
  });
  return {
    accessToken: token,
    tokenType: "Bearer",
    expiresIn: expiresInS,
    refreshToken,
    refreshExpireTime: timestampFromDate(refreshExpireTime),
    sessionId: session.id,
  };
}
